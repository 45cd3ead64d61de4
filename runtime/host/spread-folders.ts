import { closeSync, constants, openSync } from 'node:fs'
import type { Kernel } from './kernel.js'

/** `chattr +T`: what is in a folder has nothing to do with each other. */
const topOfHierarchy = 0x0002_0000

/**
 * Have the folders that are made in a folder spread over the disk.
 *
 * ext4 makes a folder near its parent, and passes over inodes that were freed there in the last minutes, one by one: where containers come and go
 * that takes longer than everything else of a start. Other file systems know nothing of it, and need not.
 */
export function spreadFolders(kernel: Kernel, path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const flags = kernel.fileFlags(fd)
    if ((flags & topOfHierarchy) === 0) kernel.setFileFlags(fd, flags | topOfHierarchy)
  } catch {
    // A file system without such flags, or one that does not take this one.
  } finally {
    closeSync(fd)
  }
}
