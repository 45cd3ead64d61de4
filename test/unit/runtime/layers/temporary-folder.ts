import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach } from 'vitest'
import { removeTree } from '../../../../runtime/host/remove-tree.js'

/** Folders that are gone after each test. @param options.inMemory for many small files, where there is a place for it */
export function temporaryFolders({ inMemory = false } = {}): () => string {
  const parent = inMemory && existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const made: string[] = []
  afterEach(async () => {
    for (const folder of made.splice(0)) await removeTree(folder)
  })
  return () => {
    const folder = mkdtempSync(path.join(parent, 'gantry-test-'))
    made.push(folder)
    return folder
  }
}

export const isRoot = process.geteuid?.() === 0

export const plainTar = 'application/vnd.oci.image.layer.v1.tar'
export const gzipTar = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** Bytes as a source, in pieces. */
export async function* inPieces(bytes: Buffer, size = 64 * 1024): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
