import { type FileHandle, open } from 'node:fs/promises'
import type { Frame } from '../../src/api/index.js'
import { nanoTime } from './nano-time.js'

/** Docker's limit for one entry; a longer line becomes several, all but the last without a newline. */
const entryLimitBytes = 16 * 1024

const newline = 0x0a

interface Pending {
  readonly pieces: Uint8Array[]
  bytes: number
}

/**
 * Writes a container's output as Docker's `json-file` driver does, one JSON object a line:
 *
 * ```
 * {"log":"hello\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}
 * ```
 *
 * The file is made at the first entry: a silent container has none.
 */
export class LogWriter {
  readonly #path: string
  readonly #pending: Record<'stdout' | 'stderr', Pending> = { stdout: { pieces: [], bytes: 0 }, stderr: { pieces: [], bytes: 0 } }
  readonly #listeners = new Set<() => void>()
  #file: FileHandle | undefined
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown

  constructor(path: string) {
    this.#path = path
  }

  /** Resolves when the complete lines are handed to the kernel. A log that cannot be written (full disk) does not stop the container. */
  write(frame: Frame): Promise<void> {
    const stream = frame.stream === 'stderr' ? 'stderr' : 'stdout'
    const time = nanoTime()
    let entries = ''
    for (const line of this.#lines(stream, frame.data)) entries += entry(line, stream, time)
    return this.#append(entries)
  }

  /** Write what has no newline yet and close. Idempotent. */
  async close(): Promise<void> {
    const time = nanoTime()
    let entries = ''
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = take(this.#pending[stream])
      if (rest.byteLength > 0) entries += entry(rest, stream, time)
    }
    await this.#append(entries)
    const file = this.#file
    this.#file = undefined
    await file?.close()
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each write, until the returned function is called. */
  onWrite(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Why the last write failed, where one did. */
  get failure(): unknown {
    return this.#failure
  }

  #append(entries: string): Promise<void> {
    if (entries === '') return this.#writing
    this.#writing = this.#writing.then(async () => {
      try {
        this.#file ??= await open(this.#path, 'a', 0o640)
        await this.#file.appendFile(entries)
      } catch (error) {
        this.#failure = error
      }
      for (const listener of this.#listeners) listener()
    })
    return this.#writing
  }

  *#lines(stream: 'stdout' | 'stderr', data: Uint8Array): Generator<Uint8Array> {
    const pending = this.#pending[stream]
    let start = 0
    while (start < data.byteLength) {
      const found = data.indexOf(newline, start)
      const lineEnd = found === -1 ? data.byteLength : found + 1
      const end = Math.min(lineEnd, start + entryLimitBytes - pending.bytes)
      pending.pieces.push(data.subarray(start, end))
      pending.bytes += end - start
      start = end
      if (pending.bytes >= entryLimitBytes || (found !== -1 && end === lineEnd)) yield take(pending)
    }
  }
}

function take(pending: Pending): Uint8Array {
  const [first] = pending.pieces
  const line = pending.pieces.length === 1 && first !== undefined ? first : Buffer.concat(pending.pieces)
  pending.pieces.length = 0
  pending.bytes = 0
  return line
}

function entry(line: Uint8Array, stream: string, time: string): string {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')
  return `{"log":${JSON.stringify(text)},"stream":"${stream}","time":"${time}"}\n`
}
