import type { FileHandle } from 'node:fs/promises'
import type { Frame } from '../../src/api/index.js'
import { chunksFrom, chunksOf, closeLogFiles, inodeOf, isSameFile, type LogFile, openLogFiles } from './log-files.js'
import type { LogEntry, LogFormat } from './log-format.js'
import type { LogPlace } from './log-settings.js'
import { nanosecondsOf } from './nano-time.js'

/** Which part of a log is wanted. */
export interface LogSelection {
  readonly stdout: boolean
  readonly stderr: boolean
  /** Prefix each entry with its time and a space. */
  readonly timestamps: boolean
  /** Prefix each entry with what the options of the log have it say, and a space. */
  readonly details?: boolean
  /** Nanoseconds since 1970, inclusive. */
  readonly since?: bigint
  /** Nanoseconds since 1970. */
  readonly until?: bigint
  /** The last so many lines; undefined is all. */
  readonly tail?: number
}

const chunkBytes = 64 * 1024

/**
 * Read a log from where `selection` begins, across its files.
 *
 * @param more resolves to true when the log may have grown, to false when it will not grow any more (then what is
 *   there is still read); undefined to stop at the end.
 */
export async function* readLog(place: LogPlace, selection: LogSelection, more?: () => Promise<boolean>): AsyncGenerator<Frame> {
  const { path, format, rotates } = place
  const files = new Set(await openLogFiles(path, { rotates }))
  let current: LogCursor | undefined
  try {
    const start = selection.tail === undefined ? beginning : await tailStart([...files], format, selection.tail)
    let skip = start.skip
    let ahead = [...files].slice(start.file).map((file, index) => new LogCursor(file, format, index === 0 ? start.offset : 0))
    let growing = more !== undefined
    for (;;) {
      for (const cursor of ahead) {
        if (current !== undefined && cursor !== current) {
          files.delete(current.file)
          await closeLogFiles([current.file])
        }
        current = cursor
        for await (const bytes of cursor.entries()) {
          if (skip > 0) {
            skip--
            continue
          }
          const entry = format.decode(bytes, path)
          if (!selection[entry.stream]) continue
          const at = selection.since === undefined && selection.until === undefined ? 0n : nanosecondsOf(entry.time)
          if (selection.since !== undefined && at < selection.since) continue
          if (selection.until !== undefined && at > selection.until) return
          yield { stream: entry.stream, data: shown(entry, selection) }
        }
      }
      const last: LogCursor | undefined = current
      ahead = last === undefined ? [] : [last]
      if (more === undefined) return
      const newer = await filesAfter(place, last?.file)
      if (newer.length > 0) {
        // What was written before it was put aside is still to be read from the last one.
        for (const file of newer) files.add(file)
        ahead = [...ahead, ...newer.map(file => new LogCursor(file, format, 0))]
        continue
      }
      if (!growing) return
      growing = await more()
    }
  } finally {
    await closeLogFiles([...files])
  }
}

/** Files that are newer than the one that was read last: it has been put aside, or there was none yet. */
async function filesAfter({ path, format, rotates }: LogPlace, last: LogFile | undefined): Promise<readonly LogFile[]> {
  if (last !== undefined) {
    if (!rotates) return []
    const inode = await inodeOf(path)
    if (inode === undefined || inode === last.inode) return []
  }
  const isLast = async (file: LogFile) => last !== undefined && isSameFile(last, file, format, path)
  const files = await openLogFiles(path, { rotates, isLast })
  // Where it is gone by now, so are those after it that were too many: what is there is all that is left.
  const [oldest] = files
  if (oldest === undefined || !(await isLast(oldest))) return files
  await closeLogFiles([oldest])
  return files.slice(1)
}

function shown(entry: LogEntry, { timestamps, details }: LogSelection): Uint8Array {
  if (!timestamps && !details) return entry.data
  const attributes = details ? `${detailsText(entry.attributes ?? {})} ` : ''
  return Buffer.concat([Buffer.from(`${timestamps ? `${entry.time} ` : ''}${attributes}`), entry.data])
}

/** As dockerd writes them: sorted, each as in a query. */
function detailsText(attributes: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([name, value]) => `${queryText(name)}=${queryText(value)}`).join(',')
}

/** As Go's `url.QueryEscape` does it. */
function queryText(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, found => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

/** Where reading begins: so many entries after the offset of a file. Files after it are read from their beginning. */
interface Start {
  readonly file: number
  readonly offset: number
  readonly skip: number
}

const beginning: Start = { file: 0, offset: 0, skip: 0 }

/** The beginning of the last `count` entries. */
async function tailStart(files: readonly LogFile[], format: LogFormat, count: number): Promise<Start> {
  let wanted = count
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index] as LogFile // it is within the list
    if (wanted === 0 && !file.isCompressed) return { file: index, offset: (await file.handle.stat()).size, skip: 0 }
    if (format.terminator !== undefined && !file.isCompressed) {
      const { offset, entries } = await seekBack(file.handle, format.terminator, wanted)
      if (offset !== undefined) return { file: index, offset, skip: 0 }
      wanted -= entries
    } else {
      let entries = 0
      for await (const _ of new LogCursor(file, format, 0).entries()) entries++
      if (entries >= wanted) return { file: index, offset: 0, skip: entries - wanted }
      wanted -= entries
    }
  }
  return beginning
}

/** Where the last `count` entries begin; where there are fewer, how many there are. */
async function seekBack(
  file: FileHandle,
  terminator: number,
  count: number
): Promise<{ readonly offset?: number; readonly entries: number }> {
  let position = (await file.stat()).size
  let ends = 0
  const chunk = Buffer.alloc(chunkBytes)
  while (position > 0) {
    const length = Math.min(chunkBytes, position)
    position -= length
    await file.read(chunk, 0, length, position)
    for (let index = length - 1; index >= 0; index--) {
      if (chunk[index] !== terminator) continue
      // What ends the last entry begins nothing.
      if (++ends === count + 1) return { offset: position + index + 1, entries: count }
    }
  }
  return ends === count ? { offset: 0, entries: count } : { entries: ends }
}

/** The whole entries of a file that may grow, in order. */
class LogCursor {
  readonly file: LogFile
  readonly #format: LogFormat
  readonly #place: { offset: number }
  #rest: Buffer = Buffer.alloc(0)
  #isRead = false

  constructor(file: LogFile, format: LogFormat, offset: number) {
    this.file = file
    this.#format = format
    this.#place = { offset }
  }

  /** Those that were not given yet. */
  async *entries(): AsyncGenerator<Buffer> {
    // A compressed file does not grow.
    if (this.file.isCompressed && this.#isRead) return
    this.#isRead = true
    for await (const chunk of this.file.isCompressed ? chunksOf(this.file) : chunksFrom(this.file.handle, this.#place)) {
      let data = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk])
      for (let length = this.#format.lengthAt(data, 0); length !== undefined; length = this.#format.lengthAt(data, 0)) {
        const entry = data.subarray(0, length)
        data = data.subarray(length)
        yield entry
      }
      this.#rest = data
    }
  }
}
