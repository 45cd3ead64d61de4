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
import { richLayers } from '../lab/images/rich-layers.js'
import { findParts } from '../lab/parts.js'
import { rawArchive } from '../unit/runtime/layers/tar-builder.js'
import { inPieces, temporaryFolders } from '../unit/runtime/layers/temporary-folder.js'
import { type ListedFile, listTree } from '../unit/runtime/layers/tree-listing.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.dockerd !== undefined

const folder = temporaryFolders()

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
    const layers = richLayers()
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
