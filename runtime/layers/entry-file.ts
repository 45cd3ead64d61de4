import { writeSync } from 'node:fs'
import { libcFiles } from '../host/libc-files.js'
import { errnoOf } from '../host/system-call-error.js'
import type { TarEntry } from './tar-entry.js'

/** Write a piece of an entry's data. Synchronous; `position` counts only in a file with holes. */
export function writePiece(fd: number, { sparse }: TarEntry, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, sparse ? position + written : null)
  }
}

/** Set an entry's extended attributes; a last component that is a link is not followed. */
export function setAttributes(path: Buffer, { attributes }: TarEntry): void {
  for (const { name, value } of attributes) {
    // `trusted.` belongs to the host's administrator and to overlayfs, whose marks an archive must not forge.
    if (name.startsWith('trusted.')) continue
    try {
      libcFiles().setAttribute(path, name, value)
    } catch (error) {
      // As in Docker: a filesystem without such attributes takes the files without them, and only files and folders can have the user's own.
      const errno = errnoOf(error)
      if (errno !== 'EOPNOTSUPP' && !(errno === 'EPERM' && name.startsWith('user.'))) throw error
    }
  }
}
