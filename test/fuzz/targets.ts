import { closeSync, constants, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { writeArchive } from '../../runtime/archive/write-archive.js'
import type { Kernel } from '../../runtime/host/kernel.js'
import { DescriptorRoot } from '../../runtime/host/rooted-folder.js'
import { unpackLayer } from '../../runtime/layers/unpack-layer.js'
import { writeFiles } from '../../src/engine/files/write-files.js'
import { decodeTar } from '../../src/util/tar/decode-tar.js'
import { hostileArchive } from './archives.js'
import type { Prey } from './names.js'
import type { Random } from './random.js'

/** What is done with an archive. */
export interface Target {
  readonly name: string
  /** @param root an empty folder that is there; nothing outside may change */
  run(root: string, world: { readonly random: Random; readonly prey: Prey; readonly kernel: Kernel }): Promise<void>
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

export const targets: readonly [Target, ...Target[]] = [layer, layer, layer, put, put, get]

async function* pieces(random: Random, archive: Buffer): AsyncGenerator<Buffer, void, undefined> {
  const size = random.percent(70) ? archive.length : 1 + random.below(2000)
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size)
}

/** The lowest number that a descriptor would get: it grows where some are not closed. */
export function nextDescriptor(): number {
  const fd = openSync('/', constants.O_RDONLY)
  closeSync(fd)
  return fd
}
