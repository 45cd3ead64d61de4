import { constants, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { writeArchive } from '../../runtime/archive/write-archive.js'
import type { Kernel } from '../../runtime/host/kernel.js'
import { DescriptorRoot } from '../../runtime/host/rooted-folder.js'
import { unpackLayer } from '../../runtime/layers/unpack-layer.js'
import { writeFiles } from '../../src/engine/files/write-files.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { decodeTar } from '../../src/util/tar/decode-tar.js'
import { emptyInventory, type World } from '../unit/runtime/images/world.js'
import { hostileArchive } from './archives.js'
import { hostileImageArchive } from './image-archives.js'
import type { Prey } from './names.js'
import type { Random } from './random.js'

/** What is done with an archive. */
export interface Target {
  readonly name: string
  /** Codes that it may end with, beside those of every target. */
  readonly verdicts?: readonly ErrorCode[]
  /** @param root an empty folder that is there; nothing outside may change */
  run(root: string, world: { readonly random: Random; readonly prey: Prey; readonly kernel: Kernel; readonly images: World }): Promise<void>
}

/** A layer of an image: pull, load, import and build unpack by this. */
const layer: Target = {
  name: 'layer',
  run: async (root, { random, prey }) => {
    await unpackLayer(pieces(random, hostileArchive(random, prey)), { mediaType: 'application/x-tar', directory: root })
  }
}

/** `docker cp` into a container: its files may be as hostile as the archive, so a layer is unpacked first. */
const put: Target = {
  name: 'put',
  run: async (root, world) => {
    const { random, prey, kernel } = world
    await layer.run(root, world).catch(() => undefined)
    const folder = random.pick(['/', '/a', '/a/b', '/l'])
    const rooted = new DescriptorRoot(kernel, openSync(root, constants.O_RDONLY | constants.O_DIRECTORY))
    try {
      await writeArchive(rooted, folder, pieces(random, hostileArchive(random, prey)), {
        keepKinds: random.percent(50),
        signal: new AbortController().signal
      })
    } finally {
      rooted.close()
    }
  }
}

/** `docker cp` out of a container of an engine that is not to be trusted. */
const get: Target = {
  name: 'get',
  run: async (root, { random, prey }) => {
    const to = path.join(root, 'to')
    if (random.percent(50)) mkdirSync(to)
    const items = decodeTar(pieces(random, hostileArchive(random, prey)))
    await writeFiles(items, { from: '/x', to }, new AbortController().signal)
  }
}

/** Children before their parents, whichever are. */
async function removeAll(images: World['images']): Promise<void> {
  for (let left = await images.list(); left.length > 0; ) {
    const removals = left.map(({ id }) => images.remove(id, { force: true, usedBy: new Map() }))
    const failed = (await Promise.allSettled(removals)).find(({ status }) => status === 'rejected')
    const now = await images.list()
    if (now.length === left.length) throw new Error('what was loaded cannot be removed', { cause: failed })
    left = now
  }
}

/** `docker load`: all of an archive or none, and nothing is left of what was not loaded, nor of what was when it is removed. */
const load: Target = {
  name: 'load',
  verdicts: ['not_found'],
  run: async (_, { random, prey, images: { images, inventory } }) => {
    // Layers are unpacked four folders below the one that is shared with the prey.
    const archive = hostileImageArchive(random, { ...prey, depth: 4 })
    const platform = random.pick([undefined, undefined, 'linux/amd64', 'linux/arm64'])
    const options = { signal: new AbortController().signal, ...(platform !== undefined && { platform }) }
    const outcome = await images.load(pieces(random, archive), options).then(
      () => ({ isLoaded: true as const }),
      (error: unknown) => ({ isLoaded: false as const, error })
    )
    if (outcome.isLoaded) await removeAll(images)
    const left = await inventory()
    if (JSON.stringify(left) !== JSON.stringify(emptyInventory)) throw new Error(`left behind: ${JSON.stringify(left)}`)
    if (!outcome.isLoaded) throw outcome.error
  }
}

export const targets: readonly [Target, ...Target[]] = [layer, layer, layer, put, put, get, load]

async function* pieces(random: Random, archive: Buffer): AsyncGenerator<Buffer, void, undefined> {
  const size = random.percent(70) ? archive.length : 1 + random.below(2000)
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size)
}
