import type { TarEntry } from '../../../../runtime/layers/tar-entry.js'
import { TarReader } from '../../../../runtime/layers/tar-reader.js'

/** An entry with its content as it would stand on disk, holes filled with zeros. */
export interface RecordedEntry extends TarEntry {
  readonly content: string
}

/** Read an archive that comes in pieces of the given sizes (the last one repeats). */
export function record(archive: Buffer, pieceSizes: readonly number[] = [archive.length]): readonly RecordedEntry[] {
  const recorded: RecordedEntry[] = []
  let current: TarEntry | undefined
  let content = Buffer.alloc(0)
  const reader = new TarReader({
    entry(entry) {
      current = entry
      content = Buffer.alloc(entry.sizeBytes)
    },
    data(bytes, position) {
      content.set(bytes, position)
    },
    end() {
      if (current === undefined) throw new Error('an end without an entry')
      recorded.push({ ...current, content: content.toString('latin1') })
      current = undefined
    }
  })
  let at = 0
  for (let piece = 0; at < archive.length; piece++) {
    const size = pieceSizes[Math.min(piece, pieceSizes.length - 1)] ?? archive.length
    reader.push(archive.subarray(at, at + size))
    at += size
  }
  reader.finish()
  return recorded
}
