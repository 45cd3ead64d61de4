import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/**
 * The files of a log that rotates, as Docker names them: the one that grows has the log's own name, the one before it `.1`, and so on.
 * Compressed ones have `.gz` behind that, and in their header (RFC 1952, FEXTRA) the time of their last entry:
 *
 * ```
 * {"lastTime":"2026-01-02T03:04:05.123456789Z"}
 * ```
 */
export interface EarlierFile {
  /** 1 for the youngest. */
  readonly age: number
  readonly path: string
  readonly isCompressed: boolean
}

/** The earlier files of a log, youngest first. While one is being compressed it is there twice; then this gives it uncompressed. */
export async function earlierFiles(path: string): Promise<readonly EarlierFile[]> {
  const all = await everyEarlierFile(path)
  return all.filter(({ age, isCompressed }, index) => !(isCompressed && all[index - 1]?.age === age))
}

/** Make room for a new file: every file becomes one older, and those that are too many go. */
export async function rotate(path: string, maxFiles: number): Promise<void> {
  for (const { age, path: from, isCompressed } of (await everyEarlierFile(path)).reverse()) {
    if (age + 1 >= maxFiles) await rm(from, { force: true })
    else await rename(from, `${path}.${age + 1}${isCompressed ? '.gz' : ''}`)
  }
  // With one file only, what is in it goes. Not truncated: who reads it may come to its end.
  if (maxFiles <= 1) await rm(path, { force: true })
  else await rename(path, `${path}.1`)
}

/** Youngest first; of one age the uncompressed one. */
async function everyEarlierFile(path: string): Promise<EarlierFile[]> {
  const prefix = `${basename(path)}.`
  const names = await readdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = names.flatMap(name => {
    const [, age, compressed] = (name.startsWith(prefix) && /^(\d+)(\.gz)?$/.exec(name.slice(prefix.length))) || []
    return age === undefined ? [] : [{ age: Number(age), path: join(dirname(path), name), isCompressed: compressed !== undefined }]
  })
  return files.sort((a, b) => a.age - b.age || Number(a.isCompressed) - Number(b.isCompressed))
}

/** Bit of the flags in a gzip header: an extra field follows it. */
const extraFlag = 0x04
const headerBytes = 10

/** Compress the youngest of the earlier files. */
export async function compressYoungest(path: string, lastTime: string): Promise<void> {
  const plain = `${path}.1`
  const extra = Buffer.from(JSON.stringify({ lastTime }))
  const unfinished = `${plain}.gz.tmp`
  await pipeline(
    createReadStream(plain),
    createGzip(),
    (chunks: AsyncIterable<Buffer>) => withExtraField(chunks, extra),
    createWriteStream(unfinished, { mode: 0o640 })
  )
  await rename(unfinished, `${plain}.gz`)
  await rm(plain)
}

async function* withExtraField(chunks: AsyncIterable<Buffer>, extra: Buffer): AsyncGenerator<Buffer> {
  let header: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (header === undefined) {
      yield chunk
      continue
    }
    header = Buffer.concat([header, chunk])
    if (header.byteLength < headerBytes) continue
    header[3] = (header[3] ?? 0) | extraFlag
    const length = Buffer.alloc(2)
    length.writeUInt16LE(extra.byteLength)
    yield Buffer.concat([header.subarray(0, headerBytes), length, extra, header.subarray(headerBytes)])
    header = undefined
  }
}
