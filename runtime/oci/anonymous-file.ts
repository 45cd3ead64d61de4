import { constants, openSync, readSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** open(2): a file without a name, of which nothing is left when its last descriptor is closed. */
const withoutName = 0o20200000 | constants.O_RDWR

const readLimitBytes = 64 * 1024

/** A file for a child process, which finds it below /proc/self/fd. The caller closes it. */
export function openAnonymousFile(content = ''): number {
  const fd = openSync(tmpdir(), withoutName, 0o600)
  if (content !== '') writeSync(fd, content, 0)
  return fd
}

/** Its beginning, up to 64 KiB. */
export function readAnonymousFile(fd: number): Buffer {
  const buffer = Buffer.alloc(readLimitBytes)
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0))
}
