// Archives of images that tell lies about themselves, or make much work of few bytes.
import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type ArchiveEntry, dockerArchive, newImage, ociArchive, tarOf } from '../conformance/kit/archives.js'
import type { Image } from '../lab/images/image.js'
import { digestOf } from '../lab/images/layer.js'
import { emptyInventory, openWorld, type World } from '../unit/runtime/images/world.js'
import { inPieces } from '../unit/runtime/layers/temporary-folder.js'

let world: World | undefined

afterEach(async () => {
  await world?.[Symbol.asyncDispose]()
  world = undefined
})

async function open(): Promise<World> {
  world = await openWorld({
    // What is in a layer does not matter here.
    unpack: async source => {
      const pieces: Uint8Array[] = []
      for await (const piece of source) pieces.push(Uint8Array.from(piece))
      const blob = Buffer.concat(pieces)
      return { diffId: digestOf(blob[0] === 0x1f ? gunzipSync(blob) : blob), sizeBytes: 0 }
    }
  })
  return world
}

async function expectRefused(entries: readonly ArchiveEntry[], code: string, message: RegExp): Promise<void> {
  const { images, inventory } = await open()
  const loading = images.load(inPieces(await tarOf(entries)), { signal: new AbortController().signal })
  await expect(loading).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  expect(await inventory()).toEqual(emptyInventory)
}

/** The same image under a configuration, or with a manifest, of another text. */
const withConfig = (image: Image, text: string): Image => ({
  ...image,
  config: { content: Buffer.from(text), digest: digestOf(text) }
})

/** What `manifest.json` says of it. */
const itemOf = (image: Image) => JSON.parse(String(dockerArchive(image, []).at(-1)?.[1]))[0] as object // as it was made

const nested = `${'{"a":'.repeat(50_000)}{}${'}'.repeat(50_000)}`

describe('an archive of images', () => {
  it.each(['ExposedPorts', 'Volumes'])(
    'whose %s lie fifty thousand deep in each other is loaded without what cannot mean anything',
    async field => {
      const image = await newImage()
      const text = Buffer.from(image.config.content).toString().replace('"config":{', `"config":{"${field}":{"80/tcp":${nested}},`)
      const { images } = await open()
      const archive = await tarOf(dockerArchive(withConfig(image, text), ['deep:1']))
      const [loaded] = await images.load(inPieces(archive), { signal: new AbortController().signal })
      expect(loaded?.image.config).toMatchObject({ [field]: { '80/tcp': {} } })
    }
  )

  it('whose health check is none is refused', async () => {
    const image = await newImage()
    const text = Buffer.from(image.config.content).toString().replace('"config":{', '"config":{"Healthcheck":{"Test":5},')
    await expectRefused(dockerArchive(withConfig(image, text), []), 'data_loss', /config\.Healthcheck/)
  })

  it('that lists more images than anybody has is refused before they are looked at', async () => {
    const image = await newImage()
    const [config, layer] = dockerArchive(image, [])
    const item = { Config: config?.[0], RepoTags: null, Layers: [layer?.[0]] }
    const list = JSON.stringify(Array.from({ length: 1001 }, () => item))
    await expectRefused([...dockerArchive(image, []).slice(0, -1), ['manifest.json', list]], 'data_loss', /1001/)
    await expectRefused(ociArchive(Array.from({ length: 1001 }, () => ({ image }))), 'data_loss', /1001/)
  })

  it('with an image of more layers than the kernel stacks is refused', async () => {
    const image = await newImage()
    const layers = Array.from({ length: 501 }, () => image.layers[0]?.diffId)
    const text = JSON.stringify({
      ...JSON.parse(Buffer.from(image.config.content).toString()),
      rootfs: { type: 'layers', diff_ids: layers }
    })
    await expectRefused(dockerArchive(withConfig(image, text), []), 'not_supported', /501 layers/)
  })

  it.each(['config', 'layers'])('whose manifest tells another size of its %s is refused: it could not be pushed', async part => {
    const image = await newImage()
    const manifest = JSON.parse(Buffer.from(image.manifest.content).toString())
    for (const descriptor of [manifest[part]].flat()) descriptor.size += 1
    const content = Buffer.from(JSON.stringify(manifest))
    const lying = { ...image, manifest: { ...image.manifest, content, digest: digestOf(content) } }
    await expectRefused(ociArchive([{ image: lying }]), 'data_loss', /bytes, the manifest says/)
  })

  it("in which an image is its own parent, or two are each other's, is loaded without, and the images can be removed", async () => {
    const both = await Promise.all([newImage(), newImage()])
    const items = both.map((image, at) => ({
      ...itemOf(image),
      Parent: [both[1 - at]?.config.digest, image.config.digest][at]
    }))
    const files = both.flatMap(image => dockerArchive(image, []).slice(0, -1))
    const { images, inventory } = await open()
    await images.load(inPieces(await tarOf([...files, ['manifest.json', JSON.stringify(items)]])), { signal: new AbortController().signal })
    for (const { id } of await images.list()) await images.remove(id, { force: false, usedBy: new Map() })
    expect(await inventory()).toEqual(emptyInventory)
  })

  it('with links in a circle, or out of it, in the place of what it lists, is refused', async () => {
    const image = await newImage()
    const [config, layer, manifest] = dockerArchive(image, []) as [ArchiveEntry, ArchiveEntry, ArchiveEntry] // one layer
    const around: ArchiveEntry[] = [
      [layer[0], { link: '../other' }],
      ['other', { link: layer[0] }]
    ]
    await expectRefused([config, ...around, manifest], 'data_loss', /leads to no file/)
    await expectRefused([config, [layer[0], { link: '../../../../etc/passwd' }], manifest], 'data_loss', /leaves it/)
    // An absolute target is looked for in the archive, and nowhere else.
    await expectRefused([config, [layer[0], { link: '/etc/passwd' }], manifest], 'data_loss', /lacks it/)
  })

  it('that has two hundred thousand entries more than it needs is refused', async () => {
    const name = randomBytes(4).toString('hex')
    const entry = (await tarOf([[name, '']])).subarray(0, 512)
    const { images, inventory } = await open()
    const many = async function* () {
      for (let block = 0; block < 201; block++) yield Buffer.concat(Array.from({ length: 1000 }, () => entry))
    }
    await expect(images.load(many(), { signal: new AbortController().signal })).rejects.toMatchObject({ code: 'data_loss' })
    expect(await inventory()).toEqual(emptyInventory)
  })
})
