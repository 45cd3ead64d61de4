import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkString } from '../checks.js'

/** Where an archive goes: the path of a file, or a stream. */
export type ArchiveTarget = string | Writable

/** @throws EngineError `invalid_argument` for anything else */
export function checkArchiveTarget(path: string, target: unknown): ArchiveTarget {
  return target instanceof Writable ? target : checkString(path, target, 'the path of a file, or a writable stream')
}

/** Write an archive to its end. A file that is cut short is removed. @throws what the archive or the target says; the signal's reason on abort */
export async function writeArchive(archive: AsyncIterable<Uint8Array>, target: ArchiveTarget, signal: AbortSignal): Promise<void> {
  const sink = typeof target === 'string' ? createWriteStream(target) : target
  try {
    await pipeline(Readable.from(archive, { objectMode: false }), sink, { signal })
  } catch (error) {
    if (typeof target === 'string') await rm(target, { force: true }).catch(() => {})
    throw signal.aborted ? signal.reason : error
  }
}
