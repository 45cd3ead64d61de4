import { type FileHandle, open, stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import type { LogFormat } from './log-format.js'
import { type EarlierFile, earlierFiles } from './log-rotation.js'

/** How long to wait for the files of a log to be at rest before they are looked at again. */
const lookPauseMs = 2

/** After so many looks what is seen is taken as it is. */
const mostLooks = 500

const chunkBytes = 64 * 1024

/** A file of a log, open: what happens to its name meanwhile does not concern its reader. */
export interface LogFile {
  /** Tells it from others that are open and not compressed, whatever they are called by now. */
  readonly inode: number
  readonly isCompressed: boolean
  readonly handle: FileHandle
}

/**
 * The files of a log, the oldest first; the last is the one that grows. None where nothing was written. A rotation meanwhile does not
 * tear gaps: then it is looked again.
 *
 * @param isLast whether files before this one are of no interest; it is asked from the youngest on
 */
export async function openLogFiles(
  path: string,
  { rotates, isLast = async () => false }: { readonly rotates: boolean; readonly isLast?: (file: LogFile) => Promise<boolean> }
): Promise<readonly LogFile[]> {
  if (!rotates) {
    const only = await openPlain(path)
    return only === undefined ? [] : [only]
  }
  let before = ''
  for (let look = 1; ; look++) {
    const { files, names, isAtRest, isComplete } = await lookForFiles(path, isLast)
    // Where a crash has left a gap it is there the next time too.
    if (look === mostLooks || (isAtRest && (isComplete || names === before))) return files
    before = names
    await closeLogFiles(files)
    await sleep(lookPauseMs)
  }
}

/** The inode of the file that grows now; undefined where there is none, for a moment or yet. */
export async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Whether it is the same file, compressed meanwhile or not. A compressed one is known by its first entry: no two of a log that rotates have
 * the same time.
 */
export async function isSameFile(one: LogFile, other: LogFile, format: LogFormat, path: string): Promise<boolean> {
  if (!one.isCompressed && !other.isCompressed) return one.inode === other.inode
  const [first, second] = await Promise.all([one, other].map(file => firstTime(file, format, path)))
  return first !== undefined && first === second
}

async function firstTime(file: LogFile, format: LogFormat, path: string): Promise<string | undefined> {
  let bytes: Buffer = Buffer.alloc(0)
  for await (const chunk of chunksOf(file)) {
    bytes = Buffer.concat([bytes, chunk])
    const length = format.lengthAt(bytes, 0)
    if (length !== undefined) return format.decode(bytes.subarray(0, length), path).time
  }
  return undefined
}

/** The text of a file from its beginning, decompressed. */
export async function* chunksOf({ handle, isCompressed }: LogFile): AsyncGenerator<Buffer> {
  if (isCompressed) yield* gunzipped(handle)
  else yield* chunksFrom(handle, { offset: 0 })
}

/** What a file has from a place on; the place moves on with what was read. */
export async function* chunksFrom(handle: FileHandle, place: { offset: number }): AsyncGenerator<Buffer> {
  for (;;) {
    // A buffer of its own each: entries are parts of it.
    const chunk = Buffer.allocUnsafe(chunkBytes)
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, place.offset)
    if (bytesRead === 0) return
    place.offset += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

export async function closeLogFiles(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()))
}

async function* gunzipped(handle: FileHandle): AsyncGenerator<Buffer> {
  const text = createGunzip()
  // How it went is seen by whoever reads what comes out.
  pipeline(Readable.from(chunksFrom(handle, { offset: 0 })), text, () => {})
  yield* text as AsyncIterable<Buffer>
}

/** What one look at a log shows. */
interface Look {
  readonly files: readonly LogFile[]
  /** Which files there were. */
  readonly names: string
  /** No file got another name meanwhile. */
  readonly isAtRest: boolean
  /** No file between the oldest and the youngest is missing. */
  readonly isComplete: boolean
}

async function lookForFiles(path: string, isLast: (file: LogFile) => Promise<boolean>): Promise<Look> {
  const current = await openPlain(path)
  const files = current === undefined ? [] : [current]
  const earlier = await earlierFiles(path)
  let isComplete = true
  let concerned = Number.POSITIVE_INFINITY
  for (const [index, file] of earlier.entries()) {
    const youngest = files.at(-1)
    if (youngest !== undefined && (await isLast(youngest))) {
      concerned = index
      break
    }
    const opened = await openEarlier(file)
    if (opened !== undefined) files.push(opened)
    isComplete &&= opened !== undefined && file.age === index + 1
  }
  // A rotation gives every file another name, one after the other, that of the growing file last.
  const names = namesOf(earlier, concerned)
  const isAtRest = (await inodeOf(path)) === current?.inode && namesOf(await earlierFiles(path), concerned) === names
  return { files: files.reverse(), names: `${current?.inode} ${names}`, isAtRest, isComplete }
}

function namesOf(files: readonly EarlierFile[], count: number): string {
  return files
    .slice(0, count)
    .map(({ path }) => path)
    .join('/')
}

async function openEarlier({ path, isCompressed }: EarlierFile): Promise<LogFile | undefined> {
  const opened = await openPlain(path)
  return opened && { ...opened, isCompressed }
}

async function openPlain(path: string): Promise<LogFile | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return { handle, isCompressed: false, inode: (await handle.stat()).ino }
}
