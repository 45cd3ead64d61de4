import { paxHeader, type RawEntry, rawArchive } from '../../unit/runtime/layers/tar-builder.js'

type Parts = readonly (RawEntry | Buffer)[]

const capability = Buffer.from('0100000200240000000000000000000000000000', 'hex')
const namespaced = Buffer.from('010000030020000000000000000000000000000070110100', 'hex')

/** GNU's base 256: what octal has no room for. */
const base256 = (at: number, value: number) => (header: Buffer) => {
  header.fill(0, at, at + 8)
  header.writeUInt32BE(value, at + 4)
  header[at] = 0x80
}

const longName = `d/${'long/'.repeat(30)}name-${'n'.repeat(200)}`

/**
 * What a lower layer has: some of everything that a layer may hold. Not names that come twice (dockerd refuses them), nor attributes without a value (it
 * drops them), nor hard links whose own owner and mode differ from the file's (it lets the last one win).
 */
const lower: Parts = [
  { name: './', type: '5', mode: 0o755, mtime: 1_111_111_111 },
  { name: 'd/', type: '5', mode: 0o755, mtime: 1_222_222_222 },
  { name: 'd/file', data: 'content', mode: 0o640, uid: 12, gid: 34 },
  { name: 'd/empty', mode: 0o000 },
  { name: 'd/setuid', mode: 0o6755, uid: 65_534, data: 'program' },
  { name: 'e/', type: '5', mode: 0o2775, gid: 50 },
  // In another directory than what it links to, with another name in a third.
  { name: 'e/linked', type: '1', linkName: 'd/file', mode: 0o640, uid: 12, gid: 34 },
  { name: 'e/deeper/', type: '5', mode: 0o1777 },
  { name: 'e/deeper/linked-again', type: '1', linkName: 'e/linked', mode: 0o640, uid: 12, gid: 34 },
  { name: 'e/link', type: '2', linkName: '../d/file', uid: 5, gid: 6 },
  { name: 'e/dangling', type: '2', linkName: '/nowhere' },
  { name: 'e/linked-link', type: '1', linkName: 'e/link', uid: 5, gid: 6 },
  // Sub-second times, before 1970 and after 2038.
  paxHeader([['mtime', '1234567890.123456789']]),
  { name: 'times/precise' },
  paxHeader([['mtime', '-1.5']]),
  { name: 'times/before' },
  paxHeader([['mtime', '4294967296.5']]),
  { name: 'times/after' },
  paxHeader([['mtime', '1000000000.25']]),
  { name: 'times/link', type: '2', linkName: 'precise' },
  paxHeader([['mtime', '1000000000.75']]),
  { name: 'times/', type: '5', mode: 0o755 },
  // Owners beyond 16 bits, beyond octal's 21, and as PAX has them.
  { name: 'owners/', type: '5', mode: 0o755 },
  { name: 'owners/17-bits', uid: 70_000, gid: 100_000 },
  { name: 'owners/22-bits', magic: 'gnu', edit: header => [base256(108, 3_000_000), base256(116, 4_000_000)].map(set => set(header)) },
  {
    name: 'owners/32-bits',
    magic: 'gnu',
    edit: header => [base256(108, 4_294_967_294), base256(116, 2_147_483_648)].map(set => set(header))
  },
  paxHeader([
    ['uid', '3000000000'],
    ['gid', '2097152']
  ]),
  { name: 'owners/pax' },
  // Attributes, byte for byte.
  { name: 'attributes/', type: '5', mode: 0o755 },
  paxHeader([['SCHILY.xattr.security.capability', capability]]),
  { name: 'attributes/ping', mode: 0o755, data: 'x' },
  paxHeader([['SCHILY.xattr.security.capability', namespaced]]),
  { name: 'attributes/namespaced', mode: 0o755, uid: 9, data: 'x' },
  paxHeader([['SCHILY.xattr.user.binary', Buffer.from([0, 1, 10, 61, 255, 0])]]),
  { name: 'attributes/binary' },
  paxHeader([['SCHILY.xattr.user.on', 'a directory']]),
  { name: 'attributes/d/', type: '5', mode: 0o700 },
  // Devices and pipes.
  { name: 'devices/', type: '5', mode: 0o755 },
  { name: 'devices/null', type: '3', device: [1, 3], mode: 0o666 },
  { name: 'devices/disk', type: '4', device: [300, 70_000], mode: 0o660, gid: 6 },
  { name: 'devices/pipe', type: '6', mode: 0o622 },
  // Names.
  { name: 'names/', type: '5', mode: 0o755 },
  { name: 'names/latin1-\xe4\xff', data: 'not UTF-8' },
  { name: 'names/utf8-\xc3\xa4', data: 'UTF-8' },
  { name: 'names/new\nline', data: 'one' },
  { name: 'names/ space', data: 'one' },
  { name: 'names/l-\xe4', type: '2', linkName: 'latin1-\xe4\xff' },
  { name: '././@LongLink', type: 'L', data: `${longName}\0`, magic: 'gnu' },
  { name: 'cut', data: 'long' },
  // Files with holes.
  { name: 'sparse/', type: '5', mode: 0o755 },
  paxHeader([
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', 'sparse/new'],
    ['GNU.sparse.realsize', '3000000']
  ]),
  { name: 'sparse/GNUSparseFile.0/new', data: Buffer.concat([Buffer.from('1\n1000000\n3\n'.padEnd(512, '\0')), Buffer.from('new')]) },
  // To be hidden.
  { name: 'hidden/', type: '5', mode: 0o755 },
  { name: 'hidden/file', data: 'x' },
  { name: 'hidden/folder/', type: '5', mode: 0o755 },
  { name: 'hidden/folder/below', data: 'x' },
  { name: 'opaque/', type: '5', mode: 0o755 },
  { name: 'opaque/below', data: 'x' }
]

/** What a layer above does with it. Not a name that is removed and made again: dockerd lets what is below show through. */
const upper: Parts = [
  { name: './', type: '5', mode: 0o755, mtime: 1_333_333_333 },
  { name: 'hidden/', type: '5', mode: 0o755 },
  { name: 'hidden/.wh.file' },
  { name: 'hidden/.wh.folder' },
  { name: 'opaque/', type: '5', mode: 0o755 },
  { name: 'opaque/.wh..wh..opq' },
  { name: 'opaque/above', data: 'y' },
  { name: 'd/', type: '5', mode: 0o700 },
  { name: 'd/file', data: 'changed', uid: 1 }
]

/** The archives of two layers, the lower one first. */
export function richLayers(): readonly Buffer[] {
  return [lower, upper].map(parts => rawArchive(...parts))
}
