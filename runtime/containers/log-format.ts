import { EngineError } from '../../src/errors/index.js'
import { nanosecondsOf, timeOf } from './nano-time.js'

/** One entry as it is written. */
export interface NewEntry {
  readonly stream: 'stdout' | 'stderr'
  /** With its newline, if it has one. */
  readonly line: Uint8Array
  /** RFC 3339 in UTC, with nanoseconds. */
  readonly time: string
}

/** One entry as it is read. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  /** With its newline, if it had one. */
  readonly data: Uint8Array
  readonly time: string
  /** What the options of the log had every entry say. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** How entries stand in a file, one behind the other. */
export interface LogFormat {
  /** @param attributes what {@link encodeAttributes} made */
  encode(entry: NewEntry, attributes: string): string | Uint8Array
  /** What every entry of a file says, prepared. */
  encodeAttributes(attributes: Readonly<Record<string, string>>): string
  /** Bytes of the entry that begins at `start`; undefined while its end is not there. */
  lengthAt(bytes: Buffer, start: number): number | undefined
  /**
   * @param bytes one whole entry
   * @throws EngineError `data_loss`
   */
  decode(bytes: Buffer, path: string): LogEntry
  /** The byte that ends every entry and is nowhere else: such a file can be read from its end. */
  readonly terminator?: number
}

const newline = 0x0a

/** What Docker's writer escapes differently than `JSON.stringify`, which has short forms for some and leaves others as they are. */
const escaped = /\\(?:\\|[tbf])|[<>&\u2028\u2029]/g
const escapes: Readonly<Record<string, string>> = {
  '\\t': '\\u0009',
  '\\b': '\\u0008',
  '\\f': '\\u000c',
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029'
}

/** Text in which none of these is needs no second look. */
const special = /[\t\b\f<>&\u2028\u2029]/

function jsonText(text: string): string {
  const json = JSON.stringify(text)
  return special.test(text) ? json.replace(escaped, found => escapes[found] ?? found) : json
}

/**
 * Docker's `json-file`: an object a line. `attrs` is there where the options of the log ask for something.
 *
 * ```
 * {"log":"hello\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-01-02T03:04:05.123456789Z"}
 * ```
 */
export const jsonFormat: LogFormat = {
  terminator: newline,
  encode({ stream, line, time }, attributes) {
    const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')
    return `{"log":${jsonText(text)},"stream":"${stream}",${attributes}"time":"${time}"}\n`
  },
  encodeAttributes(attributes) {
    const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
    return `"attrs":{${sorted.map(([name, value]) => `${jsonText(name)}:${jsonText(value)}`).join(',')}},`
  },
  lengthAt(bytes, start) {
    const end = bytes.indexOf(newline, start)
    return end === -1 ? undefined : end + 1 - start
  },
  decode(bytes, path) {
    try {
      // The log writer is the only author of the file.
      const { log, stream, time, attrs } = JSON.parse(bytes.toString('utf8')) as {
        readonly log: string
        readonly stream: 'stdout' | 'stderr'
        readonly time: string
        readonly attrs?: Readonly<Record<string, string>>
      }
      return { stream, time, data: Buffer.from(log), ...(attrs && { attributes: attrs }) }
    } catch (cause) {
      throw new EngineError('data_loss', `the log ${path} has a line that is not JSON`, { details: { path }, cause })
    }
  }
}

/** Length before and behind a message of the `local` format. */
const lengthBytes = 4

/** Fields of the message: number and wire type in one byte, as protobuf writes them. */
const sourceTag = 0x0a
const timeTag = 0x10
const lineTag = 0x1a
const partialTag = 0x20

/**
 * Docker's `local`: messages between their lengths. The length is a 32-bit number, most significant byte first; the message is protobuf (moby,
 * api/types/plugins/logdriver/entry.proto). A line is kept byte for byte, without its newline.
 *
 * ```
 * length | 1: source (string) | 2: time_nano (varint) | 3: line (bytes) | 4: partial (1 where no newline follows) | length
 * ```
 */
export const localFormat: LogFormat = {
  encode({ stream, line, time }) {
    const isPartial = line.at(-1) !== newline
    const text = isPartial ? line : line.subarray(0, -1)
    const message = Buffer.concat([
      Uint8Array.of(sourceTag, stream.length),
      Buffer.from(stream),
      Uint8Array.of(timeTag),
      varint(nanosecondsOf(time)),
      Uint8Array.of(lineTag),
      varint(BigInt(text.byteLength)),
      text,
      isPartial ? Uint8Array.of(partialTag, 1) : new Uint8Array(0)
    ])
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32BE(message.byteLength)
    return Buffer.concat([length, message, length])
  },
  encodeAttributes: () => '',
  lengthAt(bytes, start) {
    if (bytes.byteLength - start < lengthBytes) return undefined
    const whole = bytes.readUInt32BE(start) + 2 * lengthBytes
    return bytes.byteLength - start < whole ? undefined : whole
  },
  decode(bytes, path) {
    const end = bytes.byteLength - lengthBytes
    if (bytes.readUInt32BE(end) !== bytes.readUInt32BE(0)) throw damaged(path)
    let [stream, time, line, isPartial] = ['stdout' as LogEntry['stream'], 0n, Buffer.alloc(0) as Buffer, false]
    for (let at = lengthBytes; at < end; ) {
      const tag = bytes[at] ?? 0
      const [value, behind] = readVarint(bytes, at + 1, end, path)
      at = behind
      if (tag === timeTag) time = value
      if (tag === partialTag) isPartial = value !== 0n
      // Of the two kinds that the message has: a number, or so many bytes.
      if ((tag & 7) === 0) continue
      if ((tag & 7) !== 2 || at + Number(value) > end) throw damaged(path)
      const content = bytes.subarray(at, at + Number(value))
      at += content.byteLength
      if (tag === sourceTag && content.toString() === 'stderr') stream = 'stderr'
      if (tag === lineTag) line = content
    }
    return { stream, time: timeOf(time), data: isPartial ? line : Buffer.concat([line, Uint8Array.of(newline)]) }
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(rest)])
}

function readVarint(bytes: Buffer, start: number, end: number, path: string): readonly [value: bigint, behind: number] {
  let value = 0n
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start))
    if (byte < 0x80) return [value, at + 1]
  }
  throw damaged(path)
}

function damaged(path: string): EngineError {
  return new EngineError('data_loss', `the log ${path} has an entry that is none`, { details: { path } })
}
