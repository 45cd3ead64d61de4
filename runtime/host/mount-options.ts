import { release } from 'node:os'
import { mountFlags } from './kernel.js'

/** What mount(8) makes flags of: the bit, and whether the word takes it away. Everything else is for the file system. */
const flagWords: Readonly<Record<string, readonly [flag: number, isOff: boolean]>> = {
  ro: [mountFlags.readOnly, false],
  rw: [mountFlags.readOnly, true],
  nosuid: [0x2, false],
  suid: [0x2, true],
  nodev: [0x4, false],
  dev: [0x4, true],
  noexec: [0x8, false],
  exec: [0x8, true],
  sync: [0x10, false],
  async: [0x10, true],
  dirsync: [0x80, false],
  noatime: [0x400, false],
  atime: [0x400, true],
  nodiratime: [0x800, false],
  diratime: [0x800, true],
  relatime: [0x20_0000, false],
  norelatime: [0x20_0000, true],
  strictatime: [0x100_0000, false],
  nostrictatime: [0x100_0000, true]
}

/** Whether mount(8) makes a flag of a word. */
export function isMountFlag(word: string): boolean {
  return Object.hasOwn(flagWords, word)
}

/** Options of mount(8) as mount(2) takes them. */
export function splitMountOptions(words: readonly string[]): { readonly flags: number; readonly data: string } {
  let flags = 0
  const data: string[] = []
  for (const word of words) {
    const known = flagWords[word]
    if (known === undefined) data.push(word)
    else flags = known[1] ? flags & ~known[0] : flags | known[0]
  }
  return { flags, data: data.join(',') }
}

/** Of words that contradict each other, and of values for one key, only the last. */
export function lastMountOptions(words: readonly string[]): readonly string[] {
  const kept = new Map<string, string>()
  for (const word of words) {
    const known = flagWords[word]
    const key = known === undefined ? (word.split('=', 1)[0] ?? word) : `flag ${known[0]}`
    kept.delete(key)
    kept.set(key, word)
  }
  return [...kept.values()]
}

/** mount_setattr(2), which makes a mount and all below it read-only, came with Linux 5.12. */
export function canReadOnlyRecursively(kernelRelease = release()): boolean {
  const [major = 0, minor = 0] = kernelRelease.split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 12)
}
