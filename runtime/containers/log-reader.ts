import { type FileHandle, open } from 'node:fs/promises'
import type { Frame } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { nanosecondsOf } from './nano-time.js'

/** Which part of a log is wanted. */
export interface LogSelection {
  readonly stdout: boolean
  readonly stderr: boolean
  /** Prefix each entry with its time and a space. */
  readonly timestamps: boolean
  /** Nanoseconds since 1970, inclusive. */
  readonly since?: bigint
  /** Nanoseconds since 1970. */
  readonly until?: bigint
  /** The last so many lines; undefined is all. */
  readonly tail?: number
}

interface LogEntry {
  readonly log: string
  readonly stream: 'stdout' | 'stderr'
  readonly time: string
}

const chunkBytes = 64 * 1024
const newline = 0x0a

/**
 * Read a `json-file` log from where `selection` begins.
 *
 * @param more resolves to true when the file may have grown, to false when it will not grow any more (then what is
 *   there is still read); undefined to stop at the end of the file.
 */
export async function* readLog(path: string, selection: LogSelection, more?: () => Promise<boolean>): AsyncGenerator<Frame> {
  const reader = new LineReader(path)
  try {
    if (selection.tail !== undefined) await reader.seekToTail(selection.tail)
    let growing = more !== undefined
    for (;;) {
      for await (const line of reader.lines()) {
        const entry = parseEntry(line, path)
        if (!selection[entry.stream]) continue
        const at = nanosecondsOf(entry.time)
        if (selection.since !== undefined && at < selection.since) continue
        if (selection.until !== undefined && at > selection.until) return
        const text = selection.timestamps ? `${entry.time} ${entry.log}` : entry.log
        yield { stream: entry.stream, data: Buffer.from(text) }
      }
      if (!growing || more === undefined) return
      growing = await more()
    }
  } finally {
    await reader.close()
  }
}

function parseEntry(line: string, path: string): LogEntry {
  try {
    // The log writer is the only author of the file.
    return JSON.parse(line) as LogEntry
  } catch (cause) {
    throw new EngineError('data_loss', `the log ${path} has a line that is not JSON`, { details: { path }, cause })
  }
}

/** Whole lines of a growing file that may not exist yet. */
class LineReader {
  readonly #path: string
  #file: FileHandle | undefined
  #offset = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.#path = path
  }

  async *lines(): AsyncGenerator<string> {
    const file = await this.#open()
    if (file === undefined) return
    const chunk = Buffer.alloc(chunkBytes)
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, this.#offset)
      if (bytesRead === 0) return
      this.#offset += bytesRead
      let data: Buffer = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)])
      for (let end = data.indexOf(newline); end !== -1; end = data.indexOf(newline)) {
        // Set before the yield: a reader that leaves and a reader that comes back both find a consistent place.
        this.#rest = data.subarray(end + 1)
        yield data.toString('utf8', 0, end)
        data = this.#rest
      }
      this.#rest = data
    }
  }

  /** Go to the beginning of the last `count` lines. */
  async seekToTail(count: number): Promise<void> {
    const file = await this.#open()
    if (file === undefined) return
    let position = (await file.stat()).size
    if (count === 0) {
      this.#offset = position
      return
    }
    // The newline that ends the last line begins nothing.
    let wanted = count + 1
    const chunk = Buffer.alloc(chunkBytes)
    while (position > 0) {
      const length = Math.min(chunkBytes, position)
      position -= length
      await file.read(chunk, 0, length, position)
      for (let index = length - 1; index >= 0; index--) {
        if (chunk[index] === newline && --wanted === 0) {
          this.#offset = position + index + 1
          return
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  async #open(): Promise<FileHandle | undefined> {
    try {
      this.#file ??= await open(this.#path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    return this.#file
  }
}
