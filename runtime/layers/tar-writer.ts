import type { FileTime } from '../host/libc-files.js'
import { blockBytes, paddingOf } from './tar-header.js'

/** An entry as it is written. Names are bytes as latin1 strings, relative, directories without a slash at the end. */
export interface WrittenEntry {
  readonly path: string
  readonly type: 'file' | 'directory' | 'symbolic-link' | 'hard-link' | 'character-device' | 'block-device' | 'fifo'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modified: FileTime
  /** Bytes of content that follow. */
  readonly size: number
  readonly linkPath?: string
  readonly device?: { readonly major: number; readonly minor: number }
  /** The value of `security.capability`. */
  readonly capability?: Uint8Array
}

const typeFlags = {
  file: '0',
  'hard-link': '1',
  'symbolic-link': '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6'
} as const

const longestName = 100
const largestId = 0o7777777
const largestSize = 0o77777777777

/** The end of an archive. */
export const archiveEnd = Buffer.alloc(2 * blockBytes)

/** The header blocks of an entry: ustar, and before it a PAX header for what has no room there. */
export function headerBlocks(entry: WrittenEntry): Buffer {
  const name = entry.type === 'directory' ? `${entry.path}/` : entry.path
  const linkName = entry.linkPath ?? ''
  const records = Buffer.concat([
    ...(fits(name) ? [] : [paxRecord('path', name)]),
    ...(fits(linkName) ? [] : [paxRecord('linkpath', linkName)]),
    ...(entry.size > largestSize ? [paxRecord('size', String(entry.size))] : []),
    ...(entry.uid > largestId ? [paxRecord('uid', String(entry.uid))] : []),
    ...(entry.gid > largestId ? [paxRecord('gid', String(entry.gid))] : []),
    ...timeRecords(entry.modified),
    ...(entry.capability === undefined
      ? []
      : [paxRecord('SCHILY.xattr.security.capability', Buffer.from(entry.capability).toString('latin1'))])
  ])
  const header = ustar(entry, { name, linkName, flag: typeFlags[entry.type] })
  if (records.length === 0) return header
  const pax = ustar(
    { ...entry, mode: 0o644, size: records.length, device: { major: 0, minor: 0 } },
    { name: 'pax', linkName: '', flag: 'x' }
  )
  return Buffer.concat([pax, records, Buffer.alloc(paddingOf(records.length)), header])
}

function fits(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII goes into the PAX header
  return text.length <= longestName && /^[\x00-\x7f]*$/.test(text)
}

/** Whole seconds since 1970 have room in the header. */
function timeRecords({ seconds, nanoseconds }: FileTime): Buffer[] {
  if (nanoseconds === 0 && seconds >= 0 && seconds <= largestSize) return []
  // PAX has decimal fractions: before 1970 the parts are put together first.
  const whole = seconds < 0 && nanoseconds > 0 ? seconds + 1 : seconds
  const fraction = whole === seconds ? nanoseconds : 1_000_000_000 - nanoseconds
  const sign = seconds < 0 ? '-' : ''
  return [paxRecord('mtime', `${sign}${Math.abs(whole)}.${String(fraction).padStart(9, '0')}`)]
}

/** `length key=value\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  let length = rest.length + String(rest.length).length
  if (rest.length + String(length).length !== length) length = rest.length + String(length).length
  return Buffer.from(`${length}${rest}`, 'latin1')
}

function ustar(entry: WrittenEntry, { name, linkName, flag }: { readonly name: string; readonly linkName: string; readonly flag: string }) {
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1')
  block.write(name, 0, longestName, 'latin1')
  octal(entry.mode & 0o7777, 100, 8)
  octal(Math.min(entry.uid, largestId), 108, 8)
  octal(Math.min(entry.gid, largestId), 116, 8)
  octal(Math.min(entry.size, largestSize), 124, 12)
  octal(Math.min(Math.max(entry.modified.seconds, 0), largestSize), 136, 12)
  block.write(' '.repeat(8), 148, 'latin1')
  block.write(flag, 156, 'latin1')
  block.write(linkName, 157, longestName, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(entry.device?.major ?? 0, 329, 8)
  octal(entry.device?.minor ?? 0, 337, 8)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
