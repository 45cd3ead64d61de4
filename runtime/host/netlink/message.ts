/**
 * Netlink's wire format (RFC 3549, linux/netlink.h). Numbers are in the machine's byte order, which is little-endian on
 * every platform Node runs Linux containers on but s390x; both are handled.
 *
 * ```
 * message:   length(4) type(2) flags(2) sequence(4) port(4) payload, padded to 4
 * attribute: length(2) type(2) value, padded to 4
 * ```
 */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

const headerBytes = 16
const attributeHeaderBytes = 4
/** Top bits of an attribute's type: "nested" and "network byte order". */
const attributeTypeMask = 0x3fff
const nestedFlag = 0x8000

export const messageFlags = {
  request: 0x1,
  acknowledge: 0x4,
  /** Answer with every object. */
  dump: 0x300,
  /** Fail when it exists. */
  exclusive: 0x200,
  create: 0x400,
  replace: 0x100
} as const

/** Message types below 16 are netlink's own. */
export const messageTypes = { error: 2, done: 3 } as const

export interface Message {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Uint8Array
}

/** Attributes by type; of a repeated one the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>

export function encodeMessage(message: {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly parts: readonly Uint8Array[]
}) {
  const payload = concat(message.parts)
  const bytes = new Uint8Array(align(headerBytes + payload.byteLength))
  const view = viewOf(bytes)
  view.setUint32(0, headerBytes + payload.byteLength, littleEndian)
  view.setUint16(4, message.type, littleEndian)
  view.setUint16(6, message.flags, littleEndian)
  view.setUint32(8, message.sequence, littleEndian)
  bytes.set(payload, headerBytes)
  return bytes
}

/** The messages of one datagram. What is cut off at its end is left out. */
export function decodeMessages(datagram: Uint8Array): Message[] {
  const messages: Message[] = []
  const view = viewOf(datagram)
  let offset = 0
  while (offset + headerBytes <= datagram.byteLength) {
    const length = view.getUint32(offset, littleEndian)
    if (length < headerBytes || offset + length > datagram.byteLength) break
    messages.push({
      type: view.getUint16(offset + 4, littleEndian),
      flags: view.getUint16(offset + 6, littleEndian),
      sequence: view.getUint32(offset + 8, littleEndian),
      payload: datagram.subarray(offset + headerBytes, offset + length)
    })
    offset += align(length)
  }
  return messages
}

/** One attribute, padded. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(attributeHeaderBytes + value.byteLength))
  const view = viewOf(bytes)
  view.setUint16(0, attributeHeaderBytes + value.byteLength, littleEndian)
  view.setUint16(2, type, littleEndian)
  bytes.set(value, attributeHeaderBytes)
  return bytes
}

/** An attribute made of attributes, or of a fixed structure followed by some. */
export function nested(type: number, parts: readonly Uint8Array[]): Uint8Array {
  return attribute(type | nestedFlag, concat(parts))
}

export function decodeAttributes(bytes: Uint8Array): Attributes {
  const attributes = new Map<number, Uint8Array>()
  const view = viewOf(bytes)
  let offset = 0
  while (offset + attributeHeaderBytes <= bytes.byteLength) {
    const length = view.getUint16(offset, littleEndian)
    if (length < attributeHeaderBytes || offset + length > bytes.byteLength) break
    attributes.set(
      view.getUint16(offset + 2, littleEndian) & attributeTypeMask,
      bytes.subarray(offset + attributeHeaderBytes, offset + length)
    )
    offset += align(length)
  }
  return attributes
}

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value, littleEndian)
  return bytes
}

/** With the terminating zero that the kernel wants after names. */
export function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`, 'utf8')
}

export function readUint32(bytes: Uint8Array | undefined, offset = 0): number | undefined {
  return bytes === undefined || bytes.byteLength < offset + 4 ? undefined : viewOf(bytes).getUint32(offset, littleEndian)
}

export function readText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  const end = bytes.indexOf(0)
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function align(length: number): number {
  return (length + 3) & ~3
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
