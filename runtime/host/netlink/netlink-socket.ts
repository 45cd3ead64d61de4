import type { Kernel } from '../kernel.js'
import { SystemCallError } from '../system-call-error.js'
import {
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  littleEndian,
  type Message,
  messageFlags,
  messageTypes,
  readText,
  viewOf
} from './message.js'

/** A request that the kernel acknowledges. `step` names it in errors: `add address 172.17.0.2/16`. */
export interface NetlinkRequest {
  readonly step: string
  readonly type: number
  readonly flags: number
  readonly parts: readonly Uint8Array[]
}

/** One answer may be as long as a page; dumps are filled up to 32 KiB. */
const receiveBytes = 64 * 1024

/** Attribute of an extended acknowledgement: what was wrong, in words. */
const extendedAckMessage = 1
const acknowledgementTlvs = 0x200

/**
 * Requests and answers over one netlink socket, synchronously: the kernel works while `send` runs and the answers are
 * there when it returns. Belongs to the network namespace it was opened in, whichever thread uses it later.
 */
export class NetlinkSocket {
  readonly #kernel: Kernel
  readonly #fd: number
  readonly #buffer = new Uint8Array(receiveBytes)
  #sequence = 0

  constructor(kernel: Kernel, protocol: number) {
    this.#kernel = kernel
    this.#fd = kernel.openNetlink(protocol)
  }

  /**
   * Send requests in one datagram. The kernel works through all of them, also after a failure.
   *
   * @throws SystemCallError of the first one that failed
   */
  request(requests: readonly NetlinkRequest[]): void {
    const { first, datagram } = this.#encode(requests)
    this.#kernel.send(this.#fd, datagram)
    this.#acknowledged(requests, first)
  }

  /** Like {@link request}, between two messages that the kernel does not acknowledge: it does all of it or nothing (nfnetlink). */
  requestBatch(requests: readonly NetlinkRequest[], frame: { readonly begin: NetlinkRequest; readonly end: NetlinkRequest }): void {
    const begin = this.#encodeOne(frame.begin, 0)
    const { first, datagram } = this.#encode(requests)
    this.#kernel.send(this.#fd, Buffer.concat([begin, datagram, this.#encodeOne(frame.end, 0)]))
    this.#acknowledged(requests, first)
  }

  /** Like {@link request}, for what the kernel takes long over. Nothing else may use this socket until it has resolved. */
  async requestInBackground(request: NetlinkRequest): Promise<void> {
    const { first, datagram } = this.#encode([request])
    await this.#kernel.sendInBackground(this.#fd, datagram)
    this.#acknowledged([request], first)
  }

  /** Ask for one object or, with `messageFlags.dump`, for all. */
  query(request: NetlinkRequest): Message[] {
    const dump = (request.flags & messageFlags.dump) === messageFlags.dump
    const sequence = this.#nextSequence()
    this.#kernel.send(this.#fd, encodeMessage({ ...request, flags: request.flags | messageFlags.request, sequence }))
    const answers: Message[] = []
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue
        if (message.type === messageTypes.done) return answers
        if (message.type === messageTypes.error) {
          const failure = refusal(message, request.step)
          if (failure !== undefined) throw failure
          return answers
        }
        answers.push(message)
        if (!dump) return answers
      }
    }
  }

  close(): void {
    this.#kernel.close(this.#fd)
  }

  #encode(requests: readonly NetlinkRequest[]): { readonly first: number; readonly datagram: Uint8Array } {
    const first = this.#sequence + 1
    const messages = requests.map(request => this.#encodeOne(request, messageFlags.acknowledge))
    return { first, datagram: Buffer.concat(messages) }
  }

  #encodeOne({ type, flags, parts }: NetlinkRequest, more: number): Uint8Array {
    return encodeMessage({ type, flags: flags | messageFlags.request | more, sequence: this.#nextSequence(), parts })
  }

  /** Take an answer for each request. */
  #acknowledged(requests: readonly NetlinkRequest[], first: number): void {
    let failure: SystemCallError | undefined
    let missing = requests.length
    while (missing > 0) {
      for (const message of this.#receive()) {
        if (message.type !== messageTypes.error) continue
        const request = requests[message.sequence - first]
        if (request === undefined) {
          // A batch that fails as a whole may be refused by its frame, and its parts not answered.
          const refused = refusal(message, requests[0]?.step ?? '')
          if (refused !== undefined && message.sequence === first - 1) throw refused
          continue
        }
        missing -= 1
        failure ??= refusal(message, request.step)
      }
    }
    if (failure !== undefined) throw failure
  }

  #nextSequence(): number {
    this.#sequence += 1
    return this.#sequence
  }

  /** Copied out of the buffer: messages are views, and callers keep them. */
  #receive(): Message[] {
    return decodeMessages(this.#buffer.slice(0, this.#kernel.receive(this.#fd, this.#buffer)))
  }
}

/** nlmsgerr: negative errno, the request's header (16 bytes, the payload is capped), extended attributes. */
function refusal(message: Message, step: string): SystemCallError | undefined {
  const errno = -viewOf(message.payload).getInt32(0, littleEndian)
  if (errno === 0) return undefined
  const extended =
    (message.flags & acknowledgementTlvs) === 0 ? undefined : decodeAttributes(message.payload.subarray(20)).get(extendedAckMessage)
  const reason = readText(extended)
  return new SystemCallError('netlink', errno, step, reason === undefined ? {} : { reason })
}
