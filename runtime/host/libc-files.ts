import { spawnSync } from 'node:child_process'
import { futimesSync, lutimesSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { LibraryHandle } from 'koffi'
import { SystemCallError } from './system-call-error.js'

/**
 * File operations that Node has no function for, on the calling thread. Paths are bytes, because names in an archive
 * need not be UTF-8. All throw `SystemCallError`.
 */
export interface LibcFiles {
  /** @param mode type (`S_IFCHR`, `S_IFBLK`, `S_IFIFO`) and permissions; the umask applies */
  makeNode(path: Buffer, mode: number, device: { readonly major: number; readonly minor: number }): void
  /** Links are not followed. */
  setAttribute(path: Buffer, name: string, value: Uint8Array): void
  /** Undefined where there is none. Links are not followed. */
  getAttribute(path: Buffer, name: string): Uint8Array | undefined
  /** Access and modification time. Links are not followed. */
  setTimes(path: Buffer, time: FileTime): void
  setTimesOf(fd: number, time: FileTime): void
}

/** Seconds since 1970, negative before it, and nanoseconds from there on (0 to 999,999,999). */
export interface FileTime {
  readonly seconds: number
  readonly nanoseconds: number
}

/** File types of mknod(2). */
export const nodeTypes = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const

/** XATTR_SIZE_MAX of Linux. */
const largestAttribute = 65_536

const atCurrentDirectory = -100
const atSymlinkNoFollow = 0x100

/**
 * Through koffi where it can be loaded, else through the programs `mknod` (coreutils), `setfattr` and `getfattr` (attr), a process
 * for each call.
 */
export function libcFiles(): LibcFiles {
  bound ??= bind()
  return bound
}

let bound: LibcFiles | undefined

function bind(): LibcFiles {
  const libc = loadLibc()
  return libc === undefined ? filesThroughPrograms() : filesThroughLibc(libc.library, libc.errno)
}

function loadLibc(): { readonly library: LibraryHandle; readonly errno: () => number } | undefined {
  try {
    // Synchronous, because it is first needed in the middle of an archive; most archives never need it.
    const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi')
    return { library: koffi.load(null), errno: () => koffi.errno() }
  } catch {
    return undefined
  }
}

function filesThroughLibc(libc: LibraryHandle, errno: () => number): LibcFiles {
  const mknod = libc.func('mknod', 'int', ['void *', 'uint32', 'uint64'])
  const lsetxattr = libc.func('lsetxattr', 'int', ['void *', 'str', 'void *', 'size_t', 'int'])
  const lgetxattr = libc.func('lgetxattr', 'long', ['void *', 'str', 'void *', 'size_t'])
  const utimensat = libc.func('utimensat', 'int', ['int', 'void *', 'void *', 'int'])
  const futimens = libc.func('futimens', 'int', ['int', 'void *'])
  const noBytes = Buffer.alloc(1)

  function checked(syscall: string, subject: Buffer | number, result: number): void {
    if (result === 0) return
    throw new SystemCallError(syscall, errno(), typeof subject === 'number' ? `fd ${subject}` : subject.toString())
  }

  return {
    makeNode(path, mode, device) {
      checked('mknod', path, mknod(terminated(path), mode, deviceNumber(device)))
    },
    setAttribute(path, name, value) {
      const bytes = value.byteLength === 0 ? noBytes : value
      checked('lsetxattr', path, lsetxattr(terminated(path), name, bytes, value.byteLength, 0))
    },
    getAttribute(path, name) {
      const value = Buffer.alloc(largestAttribute)
      const length: number = lgetxattr(terminated(path), name, value, value.length)
      if (length >= 0) return value.subarray(0, length)
      const error = new SystemCallError('lgetxattr', errno(), path.toString())
      if (error.errno === 'ENODATA' || error.errno === 'EOPNOTSUPP') return undefined
      throw error
    },
    setTimes(path, time) {
      checked('utimensat', path, utimensat(atCurrentDirectory, terminated(path), timespecs(time), atSymlinkNoFollow))
    },
    setTimesOf(fd, time) {
      checked('futimens', fd, futimens(fd, timespecs(time)))
    }
  }
}

/** What {@link libcFiles} falls back to. Times lose what a double cannot hold: about a quarter of a microsecond. */
export function filesThroughPrograms(): LibcFiles {
  return {
    makeNode(path, mode, { major, minor }) {
      const type = mode & 0o170000
      const permissions = `--mode=${(mode & 0o7777).toString(8)}`
      if (type === nodeTypes.fifo) runProgram('mknod', [permissions, '--', path.toString(), 'p'], path)
      else runProgram('mknod', [permissions, '--', path.toString(), type === nodeTypes.block ? 'b' : 'c', `${major}`, `${minor}`], path)
    },
    setAttribute(path, name, value) {
      const text = value.byteLength === 0 ? '' : `0x${Buffer.from(value).toString('hex')}`
      runProgram('setfattr', ['-h', '-n', name, '-v', text, '--', path.toString()], path)
    },
    getAttribute(path, name) {
      // Where the program is missing its twin is as well, and nothing here can have set an attribute.
      const { status, stdout } = spawnSync('getfattr', ['-h', '--only-values', '-n', name, '--', path.toString()])
      return status === 0 ? stdout : undefined
    },
    setTimes(path, time) {
      const seconds = time.seconds + time.nanoseconds / 1e9
      lutimesSync(path, seconds, seconds)
    },
    setTimesOf(fd, time) {
      const seconds = time.seconds + time.nanoseconds / 1e9
      futimesSync(fd, seconds, seconds)
    }
  }
}

function runProgram(program: string, args: readonly string[], path: Buffer): void {
  const { status, error, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  if (error !== undefined) {
    const hint = `the program ${program} cannot be run; installing the package koffi makes it unnecessary`
    throw new SystemCallError(program, 'ENOSYS', path.toString(), { hint })
  }
  if (status !== 0) throw new SystemCallError(program, errnoInText(stderr.toString()), path.toString(), { output: stderr.toString() })
}

function errnoInText(text: string): string {
  if (text.includes('File exists')) return 'EEXIST'
  if (text.includes('No space left')) return 'ENOSPC'
  if (text.includes('not permitted') || text.includes('Permission denied')) return 'EPERM'
  if (text.includes('not supported')) return 'EOPNOTSUPP'
  return 'EIO'
}

function terminated(path: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(path.length + 1)
  path.copy(bytes)
  bytes[path.length] = 0
  return bytes
}

/** struct timespec for access and modification: seconds and nanoseconds, 64 bits each. */
function timespecs({ seconds, nanoseconds }: FileTime): BigInt64Array {
  const [s, n] = [BigInt(seconds), BigInt(nanoseconds)]
  return new BigInt64Array([s, n, s, n])
}

/** makedev(3): 12 + 20 bits, woven so that the old 8 + 8 keep their places. */
function deviceNumber({ major, minor }: { readonly major: number; readonly minor: number }): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn)
}
