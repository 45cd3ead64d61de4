import { StringDecoder } from 'node:string_decoder'

/** Cuts UTF-8 text that comes in pieces into lines. A character may lie across two pieces. Line ends (LF or CR LF) are taken off. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  /** The lines that `chunk` completes. */
  push(chunk: Uint8Array): string[] {
    return this.#cut(this.#decoder.write(chunk as Buffer))
  }

  /** The last line, where it had no line end. */
  end(): string[] {
    const lines = this.#cut(this.#decoder.end())
    if (this.#rest !== '') lines.push(this.#rest)
    this.#rest = ''
    return lines
  }

  #cut(text: string): string[] {
    if (!text.includes('\n')) {
      this.#rest += text
      return []
    }
    const parts = (this.#rest + text).split('\n')
    this.#rest = parts.pop() ?? ''
    return parts.map(line => (line.endsWith('\r') ? line.slice(0, -1) : line))
  }
}
