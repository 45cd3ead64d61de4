// Needs: root on Linux and the lab's dockerd, on overlay2 (test/lab). What dockerd unpacks of the same layers is what must be here.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createEngine } from 'gantry'
import { ImageDelete, ImageInspect } from 'gantry/api'
import { describe, expect, inject, it } from 'vitest'
import { unpackLayer } from '../../runtime/layers/unpack-layer.js'
import { dockerArchive, load, tarOf } from '../conformance/kit/archives.js'
import { busyboxLayer } from '../lab/images/busybox.js'
import { type Image, makeImage } from '../lab/images/image.js'
import { digestOf, type Layer, layerOfTar } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { findParts } from '../lab/parts.js'
import { paxHeader, type RawEntry, rawArchive } from '../unit/runtime/layers/tar-builder.js'
import { inPieces, temporaryFolders } from '../unit/runtime/layers/temporary-folder.js'
import { type ListedFile, listTree } from '../unit/runtime/layers/tree-listing.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.dockerd !== undefined

const folder = temporaryFolders()

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

/** The two layers as dockerd unpacks them: directories that overlayfs stacks. */
async function dockerdUnpacks(layers: readonly Buffer[], use: (directories: readonly string[]) => void): Promise<void> {
  await using docker = await createEngine({ host: lab.dockerd?.host ?? '' })
  const image = makeImage(layers.map(layerOfTar), { settings: { Cmd: ['x'], Labels: { test: 'layer fidelity' } } })
  const archive = await tarOf(dockerArchive(image, []))
  expect(await load(docker, archive)).toEqual([`Loaded image ID: ${image.config.digest}`])
  try {
    const { GraphDriver } = await docker.raw.call(ImageInspect, { path: { name: image.config.digest } })
    expect(GraphDriver?.Name).toBe('overlay2')
    const { UpperDir = '', LowerDir = '' } = GraphDriver?.Data ?? {}
    use([...LowerDir.split(':').filter(Boolean).reverse(), UpperDir])
  } finally {
    await docker.raw.call(ImageDelete, { path: { name: image.config.digest }, query: { force: true } })
  }
}

/**
 * dockerd knows no time before 1970, and does not set that of a layer's root; both are right here. What has no time in the archive has that of now.
 */
function comparable(tree: Readonly<Record<string, ListedFile>>): Readonly<Record<string, unknown>> {
  const anHourAgo = BigInt(Date.now() - 3_600_000) * 1_000_000n
  const comparableTime = (time: bigint) => (time < 0n ? 0n : time > anHourAgo && time < 2n * anHourAgo ? 'now' : time)
  return Object.fromEntries(
    Object.entries(tree).map(([name, file]) => [name, { ...file, modified: name === '.' ? 0n : comparableTime(file.modified) }])
  )
}

describe.skipIf(!runsHere)("a layer with everything (needs root and the lab's dockerd)", () => {
  it('is unpacked as dockerd unpacks it: owners, times, links, attributes, devices, holes, names, whiteouts', async () => {
    const layers = [lower, upper].map(parts => rawArchive(...parts))
    const here = await Promise.all(
      layers.map(async layer => {
        const directory = folder()
        await unpackLayer(inPieces(layer, 10_000), { mediaType: '', directory })
        return comparable(listTree(directory))
      })
    )
    await dockerdUnpacks(layers, directories => {
      const there = directories.map(directory => comparable(listTree(directory)))
      expect(Object.keys(here[0] ?? {}).length).toBeGreaterThan(60)
      expect(here).toEqual(there)
    })
  })
})

const hasZstd = ['/usr/bin/zstd', '/bin/zstd'].some(existsSync)

/** Layers, each compressed in its own way, and an image that says so. */
async function mixedImage(): Promise<Image> {
  const busybox = await busyboxLayer((await findParts(['busybox'])).paths.get('busybox') ?? '')
  const mark = randomBytes(8).toString('hex')
  const archives = ['plain', 'zstd', 'frames'].map(name => rawArchive({ name, data: `${name} ${mark}` }, { name: 'last', data: name }))
  const [plain, zstd, frames] = archives as [Buffer, Buffer, Buffer] // as many as names
  const packed = (bytes: Buffer) => execFileSync('zstd', ['-qc'], { input: bytes })
  const layer = (tar: Buffer, blob: Buffer): Layer => ({ blob, digest: digestOf(blob), diffId: digestOf(tar) })
  const layers = [
    busybox,
    layer(plain, plain),
    layer(zstd, packed(zstd)),
    // Several frames one after the other, as pzstd and zstd:chunked write them.
    layer(frames, Buffer.concat([packed(frames.subarray(0, 512)), packed(frames.subarray(512))]))
  ]
  const image = makeImage(layers, { format: 'oci', settings: { Cmd: ['sh'] } })
  const manifest: { layers: { mediaType: string }[] } = JSON.parse(Buffer.from(image.manifest.content).toString())
  const types = ['+gzip', '', '+zstd', '+zstd'].map(suffix => `application/vnd.oci.image.layer.v1.tar${suffix}`)
  const content = Buffer.from(
    JSON.stringify({ ...manifest, layers: manifest.layers.map((item, at) => ({ ...item, mediaType: types[at] })) })
  )
  return { ...image, manifest: { ...image.manifest, content, digest: digestOf(content) } }
}

describe.skipIf(!runsHere || !hasZstd)(
  "an image whose layers are compressed each in its own way (needs root, the lab's registry, zstd)",
  () => {
    it('is pulled and runs: plain, gzip, zstd, zstd of several frames', async () => {
      const registry = lab.registry?.address ?? ''
      const digest = await push(registry, 'mixed:latest', await mixedImage())
      await using engine = await createEngine({ transport: 'in-process', root: folder() })
      const image = await engine.image(`${registry}/mixed@${digest}`).pull()
      expect((await image.run(['sh', '-c', 'cut -d" " -f1 /plain /zstd /frames; cat /last']).text()).split('\n')).toEqual([
        'plain',
        'zstd',
        'frames',
        'frames'
      ])
    })
  }
)
