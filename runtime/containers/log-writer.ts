import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Frame } from '../../src/api/index.js'
import { jsonFormat } from './log-format.js'
import { repairEnd } from './log-repair.js'
import { compressYoungest, rotate } from './log-rotation.js'
import type { LogRotation, LogSettings } from './log-settings.js'
import { nanosecondsOf, nanoTime } from './nano-time.js'

/** Docker's limit for one entry; a longer line becomes several, all but the last without a newline. */
const entryLimitBytes = 16 * 1024

const newline = 0x0a

/** A boundary in a log that is written. */
export interface LogMark {
  /** No entry from before it has a later time, none from after it an earlier one. Nanoseconds since 1970. */
  readonly until: bigint
  /** Resolves when the entries from before it can be read. */
  readonly written: Promise<void>
  /** Beginnings of lines from before it, which are no entries yet. */
  readonly pending: readonly Frame[]
}

/** An entry in its format. */
interface Encoded {
  readonly time: string
  readonly bytes: string | Uint8Array
}

interface Pending {
  readonly pieces: Uint8Array[]
  bytes: number
}

/**
 * Writes a container's output as a log driver does: in the format of its settings, in files that rotate where they say so
 * (`log-rotation.ts`). The first file is made at the first entry: a silent container has none.
 */
export class LogWriter {
  readonly #path: string
  readonly #settings: LogSettings
  readonly #attributes: string
  readonly #pending: Record<'stdout' | 'stderr', Pending> = { stdout: { pieces: [], bytes: 0 }, stderr: { pieces: [], bytes: 0 } }
  #file: FileHandle | undefined
  /** The file that is there ends with a whole entry, as far as is known. */
  #isWhole: boolean
  /** Bytes of the growing file; counted where it rotates. */
  #size = 0
  /** Of the last entry that was written by this writer. */
  #lastTime: string | undefined
  #compressing: Promise<void> | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Bytes that are waiting to be written; counted where their number is limited. */
  #waiting = 0
  #failure: unknown

  constructor(path: string, settings: LogSettings = { format: jsonFormat }) {
    this.#path = path
    this.#isWhole = !settings.continues
    this.#settings = settings
    this.#attributes = settings.attributes === undefined ? '' : settings.format.encodeAttributes(settings.attributes)
  }

  /**
   * Resolves when the complete lines are handed to the kernel, or at once where nobody is to wait for them. A log that cannot be written
   * (full disk) does not stop the container.
   */
  async write(frame: Frame): Promise<void> {
    const stream = frame.stream === 'stderr' ? 'stderr' : 'stdout'
    const written = this.#append(stream, [...this.#lines(stream, frame.data)])
    if (this.#settings.bufferBytes === undefined) await written
  }

  /** Write what has no newline yet and close. Idempotent. */
  async close(): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = take(this.#pending[stream])
      if (rest.byteLength > 0) this.#append(stream, [rest])
    }
    await this.#writing
    const file = this.#file
    this.#file = undefined
    await file?.close()
    await this.#compressing
  }

  /** The boundary between what was given to {@link write} by now and what comes from now on. */
  mark(): LogMark {
    const pending = (stream: 'stdout' | 'stderr'): readonly Frame[] =>
      this.#pending[stream].bytes === 0 ? [] : [{ stream, data: Buffer.concat(this.#pending[stream].pieces) }]
    return { until: nanosecondsOf(nanoTime()), written: this.#writing, pending: [...pending('stdout'), ...pending('stderr')] }
  }

  /** Why the last write failed, where one did. */
  get failure(): unknown {
    return this.#failure
  }

  #append(stream: 'stdout' | 'stderr', lines: readonly Uint8Array[]): Promise<void> {
    if (lines.length === 0) return this.#writing
    const { format, rotation, bufferBytes } = this.#settings
    const at = nanoTime()
    let entries: Encoded[] = []
    for (const line of lines) {
      // In a log that rotates a file is known by the time of its first entry.
      const time = rotation === undefined || entries.length === 0 ? at : nanoTime()
      entries.push({ time, bytes: format.encode({ stream, line, time }, this.#attributes) })
    }
    if (bufferBytes !== undefined) entries = entries.filter(entry => this.#hasRoomFor(entry, bufferBytes))
    this.#writing = this.#writing.then(async () => {
      try {
        if (rotation === undefined) await this.#put(entries)
        else await this.#putRotating(entries, rotation)
      } catch (error) {
        this.#fail(error)
        await this.#giveUpFile()
      }
      if (bufferBytes !== undefined) for (const { bytes } of entries) this.#waiting -= Buffer.byteLength(bytes)
    })
    return this.#writing
  }

  /** One entry has room in any case. */
  #hasRoomFor({ bytes }: Encoded, limitBytes: number): boolean {
    const length = Buffer.byteLength(bytes)
    if (this.#waiting > 0 && this.#waiting + length > limitBytes) return false
    this.#waiting += length
    return true
  }

  async #put(entries: readonly Encoded[]): Promise<void> {
    this.#file ??= await this.#open()
    await this.#file.appendFile(joined(entries))
    this.#lastTime = entries.at(-1)?.time
  }

  async #putRotating(entries: readonly Encoded[], rotation: LogRotation): Promise<void> {
    this.#file ??= await this.#open()
    let start = 0
    for (const [index, { bytes }] of entries.entries()) {
      if (this.#size > 0 && this.#size >= rotation.maxBytes) {
        if (index > start) await this.#put(entries.slice(start, index))
        start = index
        await this.#rotate(rotation)
      }
      this.#size += Buffer.byteLength(bytes)
    }
    await this.#put(entries.slice(start))
  }

  async #rotate({ maxFiles, compress }: LogRotation): Promise<void> {
    // It reads the file that would be moved on.
    await this.#compressing
    const file = this.#file
    this.#file = undefined
    await file?.close()
    await rotate(this.#path, maxFiles)
    this.#file = await this.#open()
    // A file that cannot be compressed stays as it is.
    this.#compressing = compress ? compressYoungest(this.#path, this.#lastTime ?? nanoTime()).catch(error => this.#fail(error)) : undefined
  }

  /** Part of an entry may be in it. */
  async #giveUpFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#isWhole = false
    await file?.close().catch(error => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.#failure = error
  }

  async #open(): Promise<FileHandle> {
    // Not where it is the container's folder, which goes when the container does.
    if (this.#settings.ownFolder) await mkdir(dirname(this.#path), { mode: 0o700 }).catch(ignoreExisting)
    if (!this.#isWhole) await repairEnd(this.#path, this.#settings.format)
    this.#isWhole = true
    const file = await open(this.#path, 'a', 0o640)
    if (this.#settings.rotation !== undefined) this.#size = (await file.stat()).size
    return file
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

/** Entries of one format are of one kind. */
function joined(entries: readonly Encoded[]): string | Uint8Array {
  let text = ''
  const pieces: Uint8Array[] = []
  for (const { bytes } of entries) {
    if (typeof bytes === 'string') text += bytes
    else pieces.push(bytes)
  }
  return pieces.length === 0 ? text : Buffer.concat(pieces)
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
