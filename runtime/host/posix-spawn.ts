import { statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import type { LibraryHandle } from 'koffi'
import { isExecutable } from '../../src/util/is-executable.js'
import { SystemCallError } from './system-call-error.js'

/** A program to start, by its path. */
export interface SpawnCall {
  readonly path: string
  readonly argv: readonly string[]
  /** `NAME=value` each. */
  readonly env: readonly string[]
  readonly cwd: string
  /** `stdio[n]` becomes descriptor n; everything else that is close-on-exec is closed. */
  readonly stdio: readonly (number | 'ignore')[]
}

// posix_spawnattr_setflags(3), as glibc and musl number them.
const setSignalDefaults = 0x04
const setSignalMask = 0x08
const setSession = 0x80

const readWrite = 2
/** More than any C library's attribute, file action and signal set take. */
const structBytes = 512

/**
 * posix_spawn(3): the child borrows this process's memory until it executes the program, where fork copies the page tables. In a Node
 * process that is the difference between some ten milliseconds and less than one. The program gets a session of its own, default signal
 * handling and an empty signal mask.
 *
 * The child has the calling thread's namespaces. Nobody waits for it: that is the caller's, with waitpid(2).
 */
export function bindSpawn(libc: LibraryHandle): (call: SpawnCall) => number {
  const actionsInit = libc.func('posix_spawn_file_actions_init', 'int', ['void *'])
  const actionsDestroy = libc.func('posix_spawn_file_actions_destroy', 'int', ['void *'])
  const addDuplicate = libc.func('posix_spawn_file_actions_adddup2', 'int', ['void *', 'int', 'int'])
  const addOpen = libc.func('posix_spawn_file_actions_addopen', 'int', ['void *', 'int', 'str', 'int', 'uint'])
  const addClose = libc.func('posix_spawn_file_actions_addclose', 'int', ['void *', 'int'])
  const addDirectory = libc.func('posix_spawn_file_actions_addchdir_np', 'int', ['void *', 'str'])
  const attributesInit = libc.func('posix_spawnattr_init', 'int', ['void *'])
  const attributesDestroy = libc.func('posix_spawnattr_destroy', 'int', ['void *'])
  const setFlags = libc.func('posix_spawnattr_setflags', 'int', ['void *', 'short'])
  const setDefaults = libc.func('posix_spawnattr_setsigdefault', 'int', ['void *', 'void *'])
  const setMask = libc.func('posix_spawnattr_setsigmask', 'int', ['void *', 'void *'])
  const posixSpawn = libc.func('posix_spawn', 'int', ['void *', 'str', 'void *', 'void *', 'const char **', 'const char **'])

  return ({ path, argv, env, cwd, stdio }) => {
    const actions = new Uint8Array(structBytes)
    const attributes = new Uint8Array(structBytes)
    const signals = new Uint8Array(structBytes)
    const pid = new Int32Array(1)
    actionsInit(actions)
    attributesInit(attributes)
    try {
      for (const [from, to] of duplications(stdio)) addDuplicate(actions, from, to)
      for (const [fd, source] of stdio.entries()) if (source === 'ignore') addOpen(actions, fd, '/dev/null', readWrite, 0)
      for (const fd of parkingPlaces(stdio)) addClose(actions, fd)
      addDirectory(actions, cwd)
      setFlags(attributes, setSignalDefaults | setSignalMask | setSession)
      setMask(attributes, signals)
      // Not sigfillset(3): that leaves out the C library's own two signals, which the program would then find ignored.
      signals.fill(0xff)
      setDefaults(attributes, signals)
      const failure: number = posixSpawn(pid, path, actions, attributes, [...argv, null], [...env, null])
      if (failure !== 0) throw new SystemCallError('posix_spawn', failure, path)
      return pid[0] ?? 0
    } finally {
      attributesDestroy(attributes)
      actionsDestroy(actions)
    }
  }
}

/** Where a descriptor waits that would be overwritten before its turn: above all that are wanted. */
const parking = 512

/** Duplications in an order that overwrites nothing that is still needed. */
function duplications(stdio: SpawnCall['stdio']): readonly (readonly [from: number, to: number])[] {
  const wanted = stdio.flatMap((source, fd) => (source === 'ignore' ? [] : [[source, fd] as const]))
  if (!needsParking(stdio)) return wanted
  return [...wanted.map(([from, to]) => [from, parking + to] as const), ...wanted.map(([, to]) => [parking + to, to] as const)]
}

function parkingPlaces(stdio: SpawnCall['stdio']): readonly number[] {
  return needsParking(stdio) ? stdio.flatMap((source, fd) => (source === 'ignore' ? [] : [parking + fd])) : []
}

/** A descriptor that is itself one of the numbers to be set; the same number would also stay close-on-exec. */
function needsParking(stdio: SpawnCall['stdio']): boolean {
  return stdio.some(source => source !== 'ignore' && source < stdio.length)
}

/**
 * Find a program as execvp(3) does, on the PATH that it will have itself.
 *
 * @returns its path, also where it is not executable; undefined where there is none
 */
export function findOnPath(program: string, searchPath: string): string | undefined {
  if (program.includes('/')) return isAbsolute(program) || isFile(program) ? program : undefined
  const places = searchPath.split(delimiter).map(folder => join(folder === '' ? '.' : folder, program))
  return places.find(isExecutable) ?? places.find(isFile)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
