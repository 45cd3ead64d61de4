import { type FileHandle, open } from 'node:fs/promises'
import { chunksFrom } from './log-files.js'
import type { LogFormat } from './log-format.js'

const chunkBytes = 64 * 1024

/**
 * Take away what a writer that was killed, or found the disk full, has left of an entry at the end of a file: with what is written next it
 * would be an entry that nobody can read.
 */
export async function repairEnd(path: string, format: LogFormat): Promise<void> {
  const file = await openExisting(path)
  if (file === undefined) return
  try {
    const { size } = await file.stat()
    const whole = format.terminator === undefined ? await endOfEntries(file, format) : await behindLast(file, format.terminator, size)
    if (whole < size) await file.truncate(whole)
  } finally {
    await file.close()
  }
}

async function behindLast(file: FileHandle, terminator: number, size: number): Promise<number> {
  const chunk = Buffer.alloc(Math.min(chunkBytes, size))
  let end = size
  while (end > 0) {
    const length = Math.min(chunk.byteLength, end)
    await file.read(chunk, 0, length, end - length)
    const found = chunk.subarray(0, length).lastIndexOf(terminator)
    if (found !== -1) return end - length + found + 1
    end -= length
  }
  return 0
}

async function endOfEntries(file: FileHandle, format: LogFormat): Promise<number> {
  let end = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunksFrom(file, { offset: 0 })) {
    const data = Buffer.concat([rest, chunk])
    let at = 0
    for (let length = format.lengthAt(data, at); length !== undefined; length = format.lengthAt(data, at)) at += length
    end += at
    rest = data.subarray(at)
  }
  return end
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
