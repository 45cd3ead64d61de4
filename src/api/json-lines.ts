import { EngineError } from '../errors/index.js'
import { streamError, streamErrorMessage } from './stream-error.js'

/** The longest value that is kept: none of Docker's messages comes near it, a stream that is not JSON would. */
const valueLimit = 64 * 1024 * 1024

const quote = 0x22
const backslash = 0x5c
const openers = new Set([0x7b, 0x5b])
const closers = new Set([0x7d, 0x5d])

/**
 * Values of a stream of JSON values: on a line each, with other white space (or RFC 7464's record separator) between them, or with
 * nothing between them. The bytes may be split anywhere, inside a character too.
 *
 * Works on bytes: everything that gives JSON its structure is ASCII, and no byte of a longer UTF-8 character is.
 *
 * @throws EngineError `data_loss` for what is not JSON, and where the stream ends inside a value; the error itself where a value reports
 * one (see {@link streamError}).
 */
export async function* decodeJsonLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const scanner = new ValueScanner()
  for await (const chunk of source) yield* withoutErrors(scanner.push(chunk))
  yield* withoutErrors(scanner.end())
}

function* withoutErrors(values: Iterable<unknown>): Generator<unknown, void, undefined> {
  for (const value of values) {
    const error = streamError(value)
    if (error !== undefined) throw error
    yield value
  }
}

/** A value as a line of its own. */
export function encodeJsonLine(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

/** Values as lines. An error that `values` throws becomes the last line: by then it can no longer be a status. */
export async function* encodeJsonLines(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const value of values) yield encodeJsonLine(value)
  } catch (error) {
    yield encodeJsonLine(streamErrorMessage(error))
  }
}

/** Finds where values end: objects and lists with their last bracket, strings with their quote, all else before what follows. */
class ValueScanner {
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #depth = 0
  #inString = false
  #escaped = false;

  *push(chunk: Uint8Array): Generator<unknown, void, undefined> {
    let start = 0
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number
      if (this.#inString) {
        if (this.#endsString(byte) && this.#depth === 0) {
          yield this.#take(chunk.subarray(start, index + 1))
          start = index + 1
        }
      } else if (closers.has(byte)) {
        if (--this.#depth > 0) continue
        this.#depth = 0
        yield this.#take(chunk.subarray(start, index + 1))
        start = index + 1
      } else if (byte === quote || openers.has(byte) || (this.#depth === 0 && isSeparator(byte))) {
        if (this.#depth === 0 && (index > start || this.#keptBytes > 0)) {
          yield this.#take(chunk.subarray(start, index))
          start = index
        }
        if (byte === quote) this.#inString = true
        else if (openers.has(byte)) this.#depth++
        else start = index + 1
      }
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  *end(): Generator<unknown, void, undefined> {
    if (this.#inString || this.#depth > 0) {
      const kept = excerpt(Buffer.concat(this.#kept).toString('utf8'))
      throw new EngineError('data_loss', `the stream ended inside a JSON value, after ${kept}`)
    }
    if (this.#keptBytes > 0) yield this.#take(new Uint8Array())
  }

  #endsString(byte: number): boolean {
    if (this.#escaped) this.#escaped = false
    else if (byte === backslash) this.#escaped = true
    else if (byte === quote) this.#inString = false
    return !this.#inString
  }

  #keep(piece: Uint8Array): void {
    this.#keptBytes += piece.length
    if (this.#keptBytes > valueLimit) throw new EngineError('data_loss', `a JSON value of the stream is longer than ${valueLimit} bytes`)
    // A copy: whoever gave the chunk may use its memory again.
    this.#kept.push(Uint8Array.from(piece))
  }

  #take(piece: Uint8Array): unknown {
    const whole = this.#keptBytes === 0 ? piece : Buffer.concat([...this.#kept, piece])
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('utf8')
    this.#kept = []
    this.#keptBytes = 0
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new EngineError('data_loss', `the stream has something that is not JSON: ${excerpt(text)}`, { cause })
    }
  }
}

function isSeparator(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x1e
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text)
}
