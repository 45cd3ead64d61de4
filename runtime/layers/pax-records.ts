import type { FileTime } from '../host/libc-files.js'
import { archiveError } from './archive-error.js'
import type { ExtendedAttribute } from './tar-entry.js'

/**
 * What PAX records say about an entry. Absent fields are not overridden; a record with an empty value takes an
 * earlier (global) one back.
 */
export interface PaxOverrides {
  path?: string | undefined
  linkPath?: string | undefined
  size?: number | undefined
  uid?: number | undefined
  gid?: number | undefined
  modified?: FileTime | undefined
  /** By name; later records win. */
  attributes: Map<string, ExtendedAttribute>
  /** Of all attributes that were read: they are kept until the next entry, global ones for ever. */
  attributeBytes: number
  sparse: PaxSparse
}

/** GNU's sparse file records: formats 0.0 (pairs), 0.1 (`map`) and 1.0 (`major`, the map is in the data). */
export interface PaxSparse {
  major?: number
  minor?: number
  /** The real name: `path` holds one that old programs may extract to. */
  name?: string
  realSize?: number
  /** Offsets and lengths in turn. */
  map?: number[]
}

export function noPaxOverrides(): PaxOverrides {
  return { attributes: new Map(), attributeBytes: 0, sparse: {} }
}

/**
 * Read the records of a PAX extended header (POSIX.1-2001, pax, "pax Extended Header") into `into`. Values are bytes:
 * an attribute's value may hold any.
 *
 * @throws EngineError `data_loss` for records that break the format
 */
export function readPaxRecords(bytes: Buffer, into: PaxOverrides): void {
  let at = 0
  while (at < bytes.length) {
    // Some writers fill the last block with zeros inside the declared size.
    if (bytes[at] === 0) return
    const space = bytes.indexOf(0x20, at)
    const lengthText = space === -1 ? '' : bytes.toString('latin1', at, space)
    const end = /^[0-9]{1,9}$/.test(lengthText) ? at + Number(lengthText) : -1
    const equals = space === -1 ? -1 : bytes.indexOf(0x3d, space)
    if (end <= space || end > bytes.length || bytes[end - 1] !== 0x0a || equals === -1 || equals >= end) {
      throw archiveError('a PAX extended header holds a record that is not "length keyword=value"')
    }
    applyRecord(bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1), into)
    at = end
  }
}

const attributePrefix = 'SCHILY.xattr.'

/** As much as one extended header may hold: an archive with many of them, each with other attributes, would fill the memory. */
const mostAttributeBytes = 1024 * 1024

/** Of a sparse map: as many segments as `checkSegmentCount` takes. */
const mostSparseNumbers = 2_000_000

function applyRecord(keyword: string, value: Buffer, into: PaxOverrides): void {
  if (keyword.startsWith(attributePrefix)) {
    const name = attributeName(keyword.slice(attributePrefix.length))
    into.attributeBytes += name.length + value.length
    if (into.attributeBytes > mostAttributeBytes)
      throw archiveError(`an entry has extended attributes of more than ${mostAttributeBytes} bytes`)
    // The header's buffer is reused: what outlives the call is copied.
    into.attributes.set(name, { name, value: Uint8Array.from(value) })
    return
  }
  const text = value.toString('latin1', 0, value.length)
  switch (keyword) {
    case 'path':
      into.path = text === '' ? undefined : text
      return
    case 'linkpath':
      into.linkPath = text === '' ? undefined : text
      return
    case 'size':
      into.size = optionalInteger(keyword, text)
      return
    case 'uid':
      into.uid = optionalInteger(keyword, text)
      return
    case 'gid':
      into.gid = optionalInteger(keyword, text)
      return
    case 'mtime':
      into.modified = text === '' ? undefined : parseTime(text)
      return
    default:
      if (keyword.startsWith('GNU.sparse.')) applySparseRecord(keyword, text, into.sparse)
  }
}

function applySparseRecord(keyword: string, text: string, sparse: PaxSparse): void {
  switch (keyword) {
    case 'GNU.sparse.major':
      sparse.major = integer(keyword, text)
      return
    case 'GNU.sparse.minor':
      sparse.minor = integer(keyword, text)
      return
    case 'GNU.sparse.name':
      sparse.name = text
      return
    case 'GNU.sparse.size':
    case 'GNU.sparse.realsize':
      sparse.realSize = integer(keyword, text)
      return
    case 'GNU.sparse.offset':
    case 'GNU.sparse.numbytes':
      sparse.map ??= []
      if (sparse.map.push(integer(keyword, text)) > mostSparseNumbers)
        throw archiveError('a sparse map has more segments than any file has')
      return
    case 'GNU.sparse.map':
      sparse.map = text === '' ? [] : text.split(',').map(part => integer(keyword, part))
  }
}

/** GNU tar escapes the two characters that a keyword cannot hold. */
function attributeName(keyword: string): string {
  const name = keyword.includes('%') ? keyword.replaceAll('%3D', '=').replaceAll('%25', '%') : keyword
  return Buffer.from(name, 'latin1').toString()
}

function optionalInteger(keyword: string, text: string): number | undefined {
  return text === '' ? undefined : integer(keyword, text)
}

function integer(keyword: string, text: string): number {
  const value = /^-?[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw archiveError(`the PAX record ${keyword} is no usable number: ${text.slice(0, 40)}`, { keyword })
  return value
}

function parseTime(text: string): FileTime {
  const match = /^(-?)([0-9]+)(?:\.([0-9]*))?$/.exec(text)
  const whole = Number(match?.[2] ?? Number.NaN)
  if (!Number.isSafeInteger(whole)) throw archiveError(`the PAX record mtime is no usable time: ${text.slice(0, 40)}`)
  const nanoseconds = Number((match?.[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (match?.[1] !== '-') return { seconds: whole, nanoseconds }
  // The fraction counts away from zero in the text, upwards in a timespec.
  return nanoseconds === 0 ? { seconds: -whole, nanoseconds } : { seconds: -whole - 1, nanoseconds: 1e9 - nanoseconds }
}
