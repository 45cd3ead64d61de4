import { archiveError } from './archive-error.js'
import type { PaxOverrides } from './pax-records.js'
import type { TarEntry, TarEntryType } from './tar-entry.js'
import type { TarHeader } from './tar-header.js'

/** Lay the extensions over a header: GNU's long names, then global and entry PAX records, which win. A file's size is not known here: its sparse map may be elsewhere. */
export function toEntry(
  header: TarHeader,
  longNames: { readonly name: string | undefined; readonly linkName: string | undefined },
  global: PaxOverrides,
  local: PaxOverrides | undefined
): TarEntry {
  const name = local?.sparse.name ?? local?.path ?? global.path ?? longNames.name ?? header.name
  const type = typeOf(header.typeFlag, name)
  const isLink = type === 'hard-link' || type === 'symbolic-link'
  return {
    type,
    name: withoutNul(name),
    linkName: isLink ? withoutNul(local?.linkPath ?? global.linkPath ?? longNames.linkName ?? header.linkName) : '',
    mode: header.mode & 0o7777,
    uid: checkedId(local?.uid ?? global.uid ?? header.uid, name),
    gid: checkedId(local?.gid ?? global.gid ?? header.gid, name),
    sizeBytes: 0,
    sparse: false,
    modified: local?.modified ?? global.modified ?? { seconds: header.mtime, nanoseconds: 0 },
    device: { major: header.deviceMajor, minor: header.deviceMinor },
    attributes: attributesOf(global, local)
  }
}

function typeOf(typeFlag: string, name: string): TarEntryType {
  switch (typeFlag) {
    case '0':
      // Before ustar a directory was a file whose name ends with a slash.
      return name.endsWith('/') ? 'directory' : 'file'
    case '7':
    case 'S':
      return 'file'
    case '1':
      return 'hard-link'
    case '2':
      return 'symbolic-link'
    case '3':
      return 'character-device'
    case '4':
      return 'block-device'
    case '5':
    case 'D':
      return 'directory'
    case '6':
      return 'fifo'
    default:
      throw archiveError(`entry ${name} has the type ${JSON.stringify(typeFlag)}, which no layer may hold`, { name, typeFlag })
  }
}

function attributesOf(global: PaxOverrides, local: PaxOverrides | undefined): TarEntry['attributes'] {
  if (local === undefined || local.attributes.size === 0) return [...global.attributes.values()]
  return [...new Map([...global.attributes, ...local.attributes]).values()]
}

function withoutNul(name: string): string {
  if (name.includes('\0')) throw archiveError('a name holds a NUL byte')
  return name
}

/** User and group ids are 32 bits; the highest means "no change" to chown(2). */
function checkedId(id: number, name: string): number {
  if (id < 0 || id >= 0xffff_ffff) throw archiveError(`entry ${name} has the owner ${id}, which is no user or group id`, { name, id })
  return id
}
