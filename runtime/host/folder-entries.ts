import { type Dirent, opendirSync } from 'node:fs'

/** Entries that are read at a time. */
const bufferSize = 512

/**
 * The entries of a directory, a few at a time: one with ten million files takes no more memory than any other. Entries that come or go meanwhile
 * are given or not. Synchronous; the directory is open until the loop ends.
 *
 * @param path - bytes as a latin1 string; so are the names
 */
export function* folderEntries(path: string): Generator<Dirent, void, undefined> {
  const folder = opendirSync(Buffer.from(path, 'latin1'), { encoding: 'latin1', bufferSize })
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) yield entry
  } finally {
    folder.closeSync()
  }
}
