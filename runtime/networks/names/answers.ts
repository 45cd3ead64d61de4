import type { Answer, Packet, Question } from 'dns-packet'

/** What a container's name server knows by itself. */
export interface NameSource {
  /** Addresses of the containers of that name in the asking container's networks; undefined where nobody has it. */
  addressesOf(name: string): readonly string[] | undefined
  /** The name that an address of those networks belongs to. */
  nameOf(address: string): string | undefined
}

/** As Docker's: names change hands when containers do. */
const timeToLiveSeconds = 600

/** RFC 1035 4.2.1. */
const datagramLimit = 512

/** RFC 1035 4.1.1; dns-packet keeps the response code in the low bits of the flags. */
export const responseCodes = { none: 0, formatError: 1, serverFailure: 2 } as const

const recursionDesired = 1 << 8
const recursionAvailable = 1 << 7
const truncated = 1 << 9

/**
 * The answer to a question about a container, undefined where it is somebody else's to answer. A name that is known has no record of
 * another type than A: then the answer is empty, so that nobody is asked about it outside.
 */
export function answerLocally(query: Packet, names: NameSource): Packet | undefined {
  const [question] = query.questions ?? []
  if (question === undefined) return undefined
  const answers = answersTo(question, names)
  return answers === undefined ? undefined : reply(query, responseCodes.none, answers)
}

function answersTo({ name, type }: Question, names: NameSource): Answer[] | undefined {
  if (type === 'PTR') {
    const address = reverseAddress(name)
    const data = address === undefined ? undefined : names.nameOf(address)
    return data === undefined ? undefined : [{ type: 'PTR', name, ttl: timeToLiveSeconds, data }]
  }
  const addresses = names.addressesOf(name.toLowerCase().replace(/\.$/, ''))
  if (addresses === undefined) return undefined
  return type === 'A' ? shuffled(addresses).map(data => ({ type: 'A', name, ttl: timeToLiveSeconds, data })) : []
}

/** A reply to a query, with what it asked. */
export function reply(query: Packet, code: number, answers: Answer[] = []): Packet {
  return {
    type: 'response',
    ...(query.id !== undefined && { id: query.id }),
    flags: ((query.flags ?? 0) & recursionDesired) | recursionAvailable | code,
    questions: query.questions ?? [],
    answers
  }
}

/** What goes into a datagram: answers that do not fit are left out, and whoever wants all of them asks by TCP. */
export function fitDatagram(packet: Packet, encode: (packet: Packet) => Uint8Array): Uint8Array {
  const whole = encode(packet)
  if (whole.byteLength <= datagramLimit) return whole
  const answers = [...(packet.answers ?? [])]
  for (;;) {
    answers.pop()
    const bytes = encode({ ...packet, flags: (packet.flags ?? 0) | truncated, answers })
    if (bytes.byteLength <= datagramLimit || answers.length === 0) return bytes
  }
}

/** `4.3.2.1.in-addr.arpa` is 1.2.3.4. */
function reverseAddress(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\.?$/i.exec(name)
  return match === null ? undefined : [match[4], match[3], match[2], match[1]].join('.')
}

/** Containers that share a name share its work. */
function shuffled(addresses: readonly string[]): readonly string[] {
  const start = Math.floor(Math.random() * addresses.length)
  return [...addresses.slice(start), ...addresses.slice(0, start)]
}
