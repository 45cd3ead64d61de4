import { describe, expect, it } from 'vitest'
import { currentProcess } from '../../../../runtime/host/process-identity.js'
import type { RemoveImageOptions } from '../../../../runtime/images/image-service.js'
import { chainIdsOf } from '../../../../runtime/layers/chain-id.js'
import { contentsOf, registryListener, serve } from '../registry/local-server.js'
import { imageOf, layerOf, manifestType, type SampleImage } from '../registry/sample-image.js'
import { emptyInventory, openWorld, type World } from './world.js'

const signal = new AbortController().signal
const unused: RemoveImageOptions = { force: false, usedBy: new Map() }
const forced: RemoveImageOptions = { force: true, usedBy: new Map() }
const base = layerOf('base')
const one = imageOf({ layers: [base, layerOf('one')] })
const two = imageOf({ layers: [base, layerOf('two'), layerOf('three')] })

const chains = (image: SampleImage) => chainIdsOf(image.layers.map(({ diffId }) => diffId))
const shortId = (id: string) => id.slice(7, 19)
const usedBy = (image: SampleImage, running: boolean) => new Map([[image.config.digest, { containerId: 'c'.repeat(64), running }]])

/** Both images pulled from a registry whose host stands in for `R`. */
async function pulled(world: World): Promise<string> {
  const contents = contentsOf('one', 'latest', one, manifestType)
  const more = contentsOf('two', '2', two, manifestType)
  for (const [key, value] of more.manifests) contents.manifests.set(key, value)
  for (const [key, value] of more.blobs) contents.blobs.set(key, value)
  await using server = await serve(registryListener(contents))
  await world.images.pull(`${server.host}/one`, { signal })
  await world.images.pull(`${server.host}/two:2`, { signal })
  return server.host
}

describe('get', () => {
  it('finds an image by any spelling of a reference, by id, by prefix, by digest', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    await world.images.tag(`${host}/one`, 'busybox')
    const spellings = [
      `${host}/one`,
      `${host}/one:latest`,
      `${host}/one@${one.manifest.digest}`,
      'busybox',
      'busybox:latest',
      'library/busybox',
      'docker.io/library/busybox:latest',
      'index.docker.io/busybox',
      one.config.digest,
      one.config.digest.slice(7),
      one.config.digest.slice(0, 19),
      one.config.digest.slice(7, 19)
    ]
    for (const spelling of spellings) expect((await world.images.get(spelling)).id).toBe(one.config.digest)
  })

  it('prefers a name to an id prefix', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    const prefix = two.config.digest.slice(7, 13)
    await world.images.tag(`${host}/one`, prefix)
    expect((await world.images.get(prefix)).id).toBe(one.config.digest)
  })

  it('says which image is not there, or what is wrong with the name', async () => {
    await using world = await openWorld()
    await expect(world.images.get('alpine')).rejects.toMatchObject({ code: 'not_found', message: 'No such image: alpine:latest' })
    await expect(world.images.get(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'not_found' })
    await expect(world.images.get('0'.repeat(64))).rejects.toMatchObject({ code: 'not_found' })
    await expect(world.images.get('Alpine')).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('refuses an ambiguous prefix', async () => {
    await using world = await openWorld()
    await world.metadata.transaction(transaction => {
      for (const id of ['ab11', 'ab22']) transaction.put('images', `sha256:${id.padEnd(64, '0')}`, { diffIds: [], blobs: [] })
    })
    await expect(world.images.get('ab')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('ambiguous: 2 images')
    })
    expect((await world.images.get('ab1')).id).toBe(`sha256:${'ab11'.padEnd(64, '0')}`)
  })
})

describe('tag', () => {
  it('adds a name, moves it, and refuses a digest', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    await world.images.tag(`${host}/one`, 'app:1')
    expect((await world.images.get(one.config.digest)).tags).toEqual([`${host}/one:latest`, 'app:1'].sort())
    await world.images.tag(two.config.digest.slice(7, 19), 'app:1')
    expect((await world.images.get('app:1')).id).toBe(two.config.digest)
    expect((await world.images.get(one.config.digest)).tags).toEqual([`${host}/one:latest`])
    expect((await world.images.get('app:1')).repoDigests).toEqual([`${host}/two@${two.manifest.digest}`])
    await expect(world.images.tag('app:1', `app@${one.manifest.digest}`)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(world.images.tag('nothing', 'app:2')).rejects.toMatchObject({ code: 'not_found' })
    await expect(world.images.tag('app:1', 'App')).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('remove', () => {
  it('takes the last tag, its digests, the image, its layers and its blobs', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    const [, top] = chains(one)
    expect(await world.images.remove(`${host}/one`, unused)).toEqual([
      { untagged: `${host}/one:latest` },
      { untagged: `${host}/one@${one.manifest.digest}` },
      { deleted: one.config.digest },
      { deletedLayer: top }
    ])
    const left = await world.inventory()
    expect(left.layers.sort()).toEqual([...chains(two)].sort())
    expect(left.blobs).toEqual([two.manifest, two.config, ...two.layers].map(({ digest }) => digest).sort())
    await world.images.remove(two.config.digest, unused)
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('lists layers from the top, as docker does', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    await world.images.remove(`${host}/one`, unused)
    const removed = await world.images.remove(`${host}/two:2`, unused)
    const layers = [...chains(two)].reverse().map(deletedLayer => ({ deletedLayer }))
    expect(removed.slice(2)).toEqual([{ deleted: two.config.digest }, ...layers])
  })

  it('only untags while other references remain', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    await world.images.tag(`${host}/one`, 'other/name:1')
    await world.images.tag(`${host}/one`, `${host}/one:second`)
    expect(await world.images.remove(`${host}/one:second`, unused)).toEqual([{ untagged: `${host}/one:second` }])
    // The last tag of a repository takes the repository's digests with it.
    expect(await world.images.remove(`${host}/one`, unused)).toEqual([
      { untagged: `${host}/one:latest` },
      { untagged: `${host}/one@${one.manifest.digest}` }
    ])
    expect((await world.images.get('other/name:1')).repoDigests).toEqual([])
    expect(await world.images.remove(`other/name:1`, unused)).toContainEqual({ deleted: one.config.digest })
  })

  it('untags a digest alone', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    const name = `${host}/one@${one.manifest.digest}`
    expect(await world.images.remove(name, unused)).toEqual([{ untagged: name }])
    expect((await world.images.get(`${host}/one`)).repoDigests).toEqual([])
  })

  it('by id refuses an image in several repositories unless forced', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    await world.images.tag(`${host}/one`, 'other')
    const short = shortId(one.config.digest)
    await expect(world.images.remove(short, unused)).rejects.toMatchObject({
      code: 'conflict',
      message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`
    })
    const removed = await world.images.remove(short, forced)
    expect(removed.filter(entry => 'untagged' in entry)).toHaveLength(3)
    expect(removed).toContainEqual({ deleted: one.config.digest })
  })

  it('refuses what a container uses, in the words of docker', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    const short = shortId(one.config.digest)
    const stopped = { force: false, usedBy: usedBy(one, false) }
    await expect(world.images.remove(`${host}/one`, stopped)).rejects.toMatchObject({
      code: 'conflict',
      message: `conflict: unable to remove repository reference "${host}/one" (must force) - container cccccccccccc is using its referenced image ${short}`
    })
    await expect(world.images.remove(short, stopped)).rejects.toMatchObject({
      message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`
    })
    await expect(world.images.remove(short, { force: true, usedBy: usedBy(one, true) })).rejects.toMatchObject({
      message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`
    })
    // By name and with force a running container's image loses its name and stays.
    expect(await world.images.remove(`${host}/one`, { force: true, usedBy: usedBy(one, true) })).toEqual([
      { untagged: `${host}/one:latest` },
      { untagged: `${host}/one@${one.manifest.digest}` }
    ])
    expect((await world.images.get(short)).tags).toEqual([])
  })

  it('by name and with force takes the image of a stopped container', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    expect(await world.images.remove(`${host}/one`, { force: true, usedBy: usedBy(one, false) })).toContainEqual({
      deleted: one.config.digest
    })
  })

  it('leaves layers that a container stands on, and takes them when it is gone', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    const [bottom, top] = chains(one)
    await world.images.remove(`${host}/two:2`, unused)
    await world.metadata.transaction(transaction => transaction.put('containers', 'c1', { chainId: top }))
    const removed = await world.images.remove(shortId(one.config.digest), { force: true, usedBy: usedBy(one, false) })
    expect(removed.at(-1)).toEqual({ deleted: one.config.digest })
    expect(
      world.metadata
        .list('layers')
        .map(({ key }) => key)
        .sort()
    ).toEqual([bottom, top].sort())
    await world.metadata.transaction(transaction => transaction.remove('containers', 'c1'))
    await world.images.collectGarbage()
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('leaves what a pull in flight has leased, and takes what a dead one left a day ago', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    const owner = currentProcess()
    const holding = { digests: [base.digest], chainIds: chains(one).slice(0, 1), reference: 'x', takenAt: Date.now() }
    await world.metadata.transaction(transaction => transaction.put('meta', 'lease/alive', { owner, ...holding }))
    await world.images.remove(`${host}/one`, unused)
    await world.images.remove(`${host}/two:2`, unused)
    expect(await world.inventory()).toMatchObject({ blobs: [base.digest], layers: holding.chainIds })
    const dead = { owner: { pid: 1, startTime: 'x' }, ...holding }
    await world.metadata.transaction(transaction => transaction.put('meta', 'lease/alive', dead))
    await world.images.collectGarbage()
    expect(await world.inventory()).toMatchObject({ blobs: [base.digest], layers: holding.chainIds })
    await world.metadata.transaction(transaction => transaction.put('meta', 'lease/alive', { ...dead, takenAt: 0 }))
    await world.images.collectGarbage()
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('of what is not there is not_found', async () => {
    await using world = await openWorld()
    await expect(world.images.remove('nothing', unused)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('list', () => {
  it('gives every image with its names, newest first', async () => {
    await using world = await openWorld()
    const host = await pulled(world)
    expect(new Set((await world.images.list()).flatMap(({ tags }) => tags))).toEqual(new Set([`${host}/one:latest`, `${host}/two:2`]))
  })
})
