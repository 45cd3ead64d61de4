import { SignatureProblem } from './signature.js'

/** A value in DER (X.690): what certificates and time stamps are written in. */
export interface DerValue {
  /** The whole first octet: class, form and number. */
  readonly tag: number
  /** Head and content, as they were. */
  readonly bytes: Buffer
  readonly content: Buffer
}

/** Tags as they stand in the first octet. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31
} as const

/** The first value of some bytes; nothing may follow it. @throws SignatureProblem */
export function readDer(bytes: Uint8Array, tag?: number): DerValue {
  const [value, ...rest] = readAll(bytes)
  if (value === undefined || rest.length > 0) throw malformed()
  if (tag !== undefined && value.tag !== tag) throw malformed()
  return value
}

/** The values in a constructed one. @throws SignatureProblem */
export function childrenOf(value: DerValue): readonly DerValue[] {
  if ((value.tag & 0x20) === 0) throw malformed()
  return readAll(value.content)
}

/** One of {@link childrenOf}, of this tag. @throws SignatureProblem where it is another one */
export function childAt(children: readonly DerValue[], index: number, tag: number): DerValue {
  const found = children[index]
  if (found === undefined || found.tag !== tag) throw malformed()
  return found
}

/** An object identifier with dots. @throws SignatureProblem */
export function readOid({ tag, content }: DerValue): string {
  if (tag !== derTags.oid || content.length === 0) throw malformed()
  const parts: number[] = []
  let part = 0
  for (const octet of content) {
    part = part * 128 + (octet & 0x7f)
    if (!Number.isSafeInteger(part)) throw malformed()
    if (octet < 0x80) {
      parts.push(part)
      part = 0
    }
  }
  const [joined = 0, ...others] = parts
  const first = Math.min(Math.floor(joined / 40), 2)
  return [first, joined - first * 40, ...others].join('.')
}

/** `20261128023000Z`, with fractions of a second or without. @throws SignatureProblem */
export function readGeneralizedTime({ tag, content }: DerValue): Date {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(content.toString('latin1'))
  if (tag !== derTags.generalizedTime || match === null) throw malformed()
  const [year, month, day, hours, minutes, seconds] = match.slice(1, 7).map(Number)
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day, hours, minutes, seconds))
  if (Number.isNaN(date.getTime())) throw malformed()
  return date
}

function readAll(bytes: Uint8Array): readonly DerValue[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: DerValue[] = []
  let offset = 0
  while (offset < buffer.length) {
    const value = readOne(buffer.subarray(offset))
    values.push(value)
    offset += value.bytes.length
  }
  return values
}

function readOne(buffer: Buffer): DerValue {
  const [tag, short] = buffer
  // Numbers from 31 on take more octets; nothing here has one. 0x80 is a length that is not said, which DER has not.
  if (tag === undefined || short === undefined || (tag & 0x1f) === 0x1f || short === 0x80) throw malformed()
  const octets = short > 0x80 ? short & 0x7f : 0
  if (octets > 4 || buffer.length < 2 + octets) throw malformed()
  const length = octets === 0 ? short : buffer.readUIntBE(2, octets)
  const start = 2 + octets
  if (buffer.length < start + length) throw malformed()
  return { tag, bytes: buffer.subarray(0, start + length), content: buffer.subarray(start, start + length) }
}

function malformed(): SignatureProblem {
  return new SignatureProblem('it is not well-formed DER')
}
