import { gzipSync } from 'node:zlib'
import { padded, paxHeader, paxRecords, type RawEntry, rawEntry } from '../unit/runtime/layers/tar-builder.js'
import { mutate } from './mutate.js'
import { entryName, linkTarget, type Prey, sneakyName } from './names.js'
import type { Random } from './random.js'

/** Characters are weights: mostly files, folders and links. */
const types = '0000000555555522222221111113467SxgLKVD\0Z'

const sneakyTypes = '00000555522222111346'

const modes: readonly [number, ...number[]] = [0o644, 0o755, 0, 0o7777, 0o4755, 0o2775, 0o1777]
const sizes: readonly [number, ...number[]] = [0, 1, 511, 513, 4096, 8 ** 11 - 1]
const times: readonly [number, ...number[]] = [0, 1, 1_700_000_000, 8 ** 11 - 1]

/** An archive that tries to do harm, or is only strange, or broken. Half of them break no rule, so that they are read to their end. */
export function hostileArchive(random: Random, prey: Prey): Buffer {
  const draft: Draft = { random, prey, isSneaky: random.percent(50), names: [] }
  const entries = Array.from({ length: 1 + random.below(draft.isSneaky ? 14 : 8) }, () => entryBlocks(draft))
  const end = draft.isSneaky || random.percent(90) ? Buffer.alloc(1024) : Buffer.alloc(random.below(3) * 256)
  const archive = Buffer.concat([...entries, end])
  const changed = random.percent(draft.isSneaky ? 5 : 25) ? mutate(random, archive) : archive
  if (!random.percent(4)) return changed
  const packed = gzipSync(changed, { level: 1 })
  return random.percent(20) ? mutate(random, packed) : packed
}

/** An archive that is being made. */
interface Draft {
  readonly random: Random
  readonly prey: Prey
  readonly isSneaky: boolean
  /** Of the entries so far. */
  readonly names: string[]
}

function entryBlocks(draft: Draft): Buffer {
  const { random, prey, isSneaky, names } = draft
  const type = isSneaky ? (sneakyTypes[random.below(sneakyTypes.length)] ?? '0') : (types[random.below(types.length)] ?? '0')
  if (type === 'x' || type === 'g') return extendedHeader(random, prey, type)
  const name = isSneaky ? sneakyName(random, names) : entryName(random, prey)
  const linkName = '12'.includes(type) || (!isSneaky && random.percent(5)) ? linkNameOf(draft, type) : ''
  if (!'12'.includes(type)) names.push(name)
  const blocks: Buffer[] = []
  const fields: { name: string; linkName: string; prefix?: string; magic?: 'ustar' | 'gnu' | 'v7' } = { name, linkName }
  if (name.length > 100 || random.percent(10)) fields.name = spelled(random, { key: 'path', long: 'L', text: name, blocks, fields })
  if (linkName.length > 100 || random.percent(10)) fields.linkName = spelled(random, { key: 'linkpath', long: 'K', text: linkName, blocks })
  if (!isSneaky && random.percent(10)) blocks.push(attributes(random))
  if (!isSneaky && random.percent(8)) blocks.push(strangeRecords(random))
  blocks.push(header(draft, type, fields))
  return Buffer.concat(blocks)
}

/** A hard link mostly leads to something that is there: itself a link, or below one. */
function linkNameOf({ random, prey, isSneaky, names }: Draft, type: string): string {
  const known = names[random.below(names.length)]
  if (type === '1' && known !== undefined && random.percent(isSneaky ? 90 : 50)) return known
  return linkTarget(random, prey)
}

function header({ random, isSneaky }: Draft, type: string, fields: Pick<RawEntry, 'name' | 'linkName' | 'prefix' | 'magic'>): Buffer {
  const hasData = '07S'.includes(type) || (!isSneaky && random.percent(3))
  const data = hasData ? Buffer.alloc(random.below(3) * 300 + random.below(3), 'x') : Buffer.alloc(0)
  const device = (): number => (isSneaky ? random.below(255) : random.pick([0, 1, 8, 255, 0o7777777]))
  return rawEntry({
    ...fields,
    type,
    data,
    mode: random.pick(modes),
    uid: random.pick([0, 0, 1000, 65_537, 0o7777777]),
    mtime: random.pick(times),
    ...(!isSneaky && random.percent(8) && { size: random.pick(sizes) }),
    device: [device(), device()],
    edit: block => {
      if (type === 'S') sparseFields(random, block, data.length)
      if (!isSneaky && random.percent(6)) strangeNumber(random, block)
    }
  })
}

interface Spelling {
  readonly key: 'path' | 'linkpath'
  readonly long: 'L' | 'K'
  readonly text: string
  readonly blocks: Buffer[]
  /** Where the name may be put into the prefix field. */
  readonly fields?: { prefix?: string }
}

/** Say a name in one of the ways there are. @returns what stands in the header itself */
function spelled(random: Random, { key, long, text, blocks, fields }: Spelling): string {
  const rest = random.percent(50) ? text.slice(0, 100) : 'cut'
  const slash = text.lastIndexOf('/', 155)
  switch (random.below(3)) {
    case 0:
      blocks.push(rawEntry({ name: '././@LongLink', type: long, data: `${text}${random.percent(80) ? '\0' : ''}`, magic: 'gnu' }))
      return rest
    case 1:
      blocks.push(paxHeader([[key, text]]))
      return rest
    default:
      if (fields === undefined || slash <= 0) return text.slice(0, 100)
      fields.prefix = text.slice(0, slash)
      return text.slice(slash + 1)
  }
}

function extendedHeader(random: Random, prey: Prey, type: 'x' | 'g'): Buffer {
  const records: (readonly [string, string])[] = []
  if (random.percent(50)) records.push(['path', entryName(random, prey)])
  if (random.percent(50)) records.push(['linkpath', linkTarget(random, prey)])
  const data = paxRecords(records)
  return random.percent(70) ? paxHeader(records, type) : rawEntry({ name: 'x', type, data: mutate(random, data) })
}

const attributeNames: readonly [string, ...string[]] = [
  'user.a',
  'user.',
  'user',
  '',
  'trusted.overlay.opaque',
  'trusted.overlay.redirect',
  'trusted.overlay.metacopy',
  'security.capability',
  'security.selinux',
  'system.posix_acl_access',
  'user.overlay.opaque',
  'nonsense.x',
  `user.${'n'.repeat(250)}`,
  `user.${'n'.repeat(300)}`,
  'user.\xff',
  'user.a\0b'
]

function attributes(random: Random): Buffer {
  const value = random.pick([Buffer.from('y'), Buffer.alloc(0), random.bytes(20), Buffer.alloc(70_000), Buffer.from('\0/x')])
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
  const name = random.pick(attributeNames)
  return paxHeader([[`SCHILY.xattr.${name}`, name === 'security.capability' && random.percent(50) ? capability : value]])
}

const numbers: readonly [string, ...string[]] = [
  '0',
  '1',
  '512',
  '-1',
  '4294967294',
  '4294967295',
  '9007199254740993',
  '1e3',
  '',
  ' 1',
  '0x10',
  '1.5',
  '-1.5',
  '99999999999999999999',
  '1099511627776'
]

const recordKeys: readonly [string, ...string[]] = [
  'size',
  'uid',
  'gid',
  'mtime',
  'atime',
  'GNU.sparse.size',
  'GNU.sparse.realsize',
  'GNU.sparse.major',
  'GNU.sparse.minor',
  'GNU.sparse.numblocks',
  'GNU.sparse.offset',
  'GNU.sparse.numbytes',
  'GNU.sparse.map',
  'GNU.sparse.name',
  'hdrcharset',
  'comment'
]

function strangeRecords(random: Random): Buffer {
  const records = Array.from({ length: 1 + random.below(4) }, (): readonly [string, string] => [
    random.pick(recordKeys),
    random.percent(20) ? [random.pick(numbers), random.pick(numbers)].join(',') : random.pick(numbers)
  ])
  const map = padded(Buffer.from(`${random.below(4)}\n${random.pick(numbers)}\n${random.pick(numbers)}\n`))
  const header = paxHeader(random.percent(30) ? [['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ...records] : records)
  return random.percent(20) ? Buffer.concat([header, rawEntry({ name: 'GNUSparseFile.0/f', data: map })]) : header
}

/** The old GNU map: four segments, whether more follow, the real size. */
function sparseFields(random: Random, block: Buffer, stored: number): void {
  const octal = (value: number, at: number) => block.write(`${value.toString(8).padStart(11, '0')}\0`, at, 'latin1')
  const offset = random.pick([0, 512, 1024 ** 2, 1024 ** 4 / 256])
  octal(offset, 386)
  octal(random.percent(80) ? stored : random.below(5000), 398)
  if (random.percent(20)) octal(random.below(5000), 410)
  block[482] = random.percent(10) ? 1 : 0
  octal(random.percent(80) ? offset + stored : random.below(10_000), 483)
}

/** A field that is no octal number: base 256 (GNU), negative, too large, or nonsense. */
function strangeNumber(random: Random, block: Buffer): void {
  const [at, length] = random.pick([
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [136, 12],
    [329, 8],
    [337, 8]
  ])
  const value = random.pick([
    Buffer.alloc(length, 0xff),
    Buffer.concat([Buffer.from([0x80]), Buffer.alloc(length - 1, 0xff)]),
    Buffer.concat([Buffer.from([0x80]), Buffer.alloc(length - 2), Buffer.from([7])]),
    Buffer.alloc(length, '9'),
    Buffer.alloc(length, '7'),
    Buffer.alloc(length),
    random.bytes(length)
  ])
  value.copy(block, at)
}
