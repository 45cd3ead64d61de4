import { StringDecoder } from 'node:string_decoder'
import type { Output } from '../processes/process.js'

/** What engines put before a line when they are asked for timestamps: RFC 3339 with nine digits of a second, and a blank. */
const timestamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) /

/** Engines log a longer line in parts of this many bytes, and put a timestamp before each of them. */
const partBytes = 16 * 1024

/** Cuts one log stream, asked for with timestamps, into lines with their times. */
export class LogLines {
  readonly #stream: Output['stream']
  readonly #decoder = new StringDecoder('utf8')
  #at = new Date()
  #line = ''
  #hasLine = false
  #lineBytes = 0

  constructor(stream: Output['stream']) {
    this.#stream = stream
  }

  /** The lines that `data` completes. */
  push(data: Uint8Array): Output[] {
    // The reason for the cast: StringDecoder takes any Uint8Array, its types ask for a Buffer.
    let rest = this.#decoder.write(data as Buffer)
    if (this.#hasLine && this.#lineBytes > 0 && this.#lineBytes % partBytes === 0) rest = rest.replace(timestamp, '')
    const done: Output[] = []
    for (;;) {
      const end = rest.indexOf('\n')
      if (end === -1) break
      this.#add(rest.slice(0, end))
      done.push(this.#take())
      rest = rest.slice(end + 1)
    }
    if (rest !== '') this.#add(rest)
    return done
  }

  /** The last line, where it had no line end. */
  end(): Output[] {
    const rest = this.#decoder.end()
    if (rest !== '') this.#add(rest)
    return this.#hasLine ? [this.#take()] : []
  }

  #add(text: string): void {
    this.#line += text
    this.#hasLine = true
    this.#lineBytes = this.#line.length < partBytes ? 0 : Buffer.byteLength(this.#line.replace(timestamp, ''))
  }

  #take(): Output {
    const match = timestamp.exec(this.#line)
    if (match !== null) this.#at = new Date(match[1] as string)
    const text = match === null ? this.#line : this.#line.slice(match[0].length)
    this.#line = ''
    this.#hasLine = false
    this.#lineBytes = 0
    return { stream: this.#stream, text: text.endsWith('\r') ? text.slice(0, -1) : text, at: this.#at }
  }
}
