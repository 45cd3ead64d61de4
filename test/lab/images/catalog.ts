import type { FoundParts, MissingPart } from '../parts.js'
import { busyboxLayer, busyboxSettings } from './busybox.js'
import { debianLayer, debianSettings } from './debian.js'
import { type Image, type ImageIndex, makeImage, makeIndex } from './image.js'
import { makeLayer } from './layer.js'
import { manyLayers } from './many-layers.js'
import { push } from './push.js'

/**
 * The images every lab has (debian where it could be made).
 *
 * - `busybox`: one layer, `CMD ["sh"]`, Docker's media types.
 * - `debian`: one layer of 60 MB, `CMD ["bash"]`.
 * - `layers127`: 127 layers, the most that overlayfs is asked for; OCI media types.
 * - `layers125`: its first 125: dockerd takes no more.
 * - `multi`: an index with linux/amd64 and linux/arm64; `/platform` says which. The arm64 one has the same programs.
 * - `entrypoint`: every setting an image can make; see {@link entrypointSettings}.
 */
export type ImageName = 'busybox' | 'debian' | 'layers125' | 'layers127' | 'multi' | 'entrypoint'

/** A pushed image. */
export interface SeededImage {
  /** `127.0.0.1:<port>/<name>:latest` */
  readonly reference: string
  /** Digest of the manifest or index. */
  readonly digest: string
}

/** What the `entrypoint` image is made of. */
export const entrypointSettings = {
  Entrypoint: ['/bin/echo', 'entry'],
  Cmd: ['from', 'cmd'],
  Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'GREETING=hello', 'EMPTY='],
  WorkingDir: '/work/dir',
  User: 'app',
  Labels: { 'lab.kind': 'entrypoint', 'lab.other': 'from image' },
  ExposedPorts: { '8080/tcp': {}, '53/udp': {} },
  StopSignal: 'SIGUSR1'
} as const

/** Make the images and push them. */
export async function seed(
  address: string,
  found: FoundParts
): Promise<{ readonly images: Partial<Record<ImageName, SeededImage>>; readonly missing: readonly MissingPart[] }> {
  const images: Partial<Record<ImageName, SeededImage>> = {}
  const missing: MissingPart[] = []
  const publish = async (name: ImageName, image: Image | ImageIndex): Promise<void> => {
    images[name] = { reference: `${address}/${name}:latest`, digest: await push(address, `${name}:latest`, image) }
  }
  const busybox = found.paths.get('busybox')
  if (busybox !== undefined) {
    const base = await busyboxLayer(busybox)
    const many = await manyLayers(126)
    await publish('busybox', makeImage([base], { settings: busyboxSettings }))
    await publish('layers127', makeImage([base, ...many], { settings: busyboxSettings, format: 'oci' }))
    await publish('layers125', makeImage([base, ...many.slice(0, 124)], { settings: busyboxSettings, format: 'oci' }))
    await publish('entrypoint', makeImage([base], { settings: entrypointSettings, format: 'oci' }))
    const platforms = ['amd64', 'arm64'].map(async architecture => {
      const marker = await makeLayer([{ kind: 'file', path: 'platform', content: `linux/${architecture}\n` }])
      return makeImage([base, marker], { settings: busyboxSettings, architecture, format: 'oci' })
    })
    await publish('multi', makeIndex(await Promise.all(platforms)))
  }
  const mmdebstrap = found.paths.get('mmdebstrap')
  if (mmdebstrap !== undefined && process.getuid?.() !== 0) {
    missing.push({ part: 'debian', reason: 'the Debian image can only be made by root' })
  } else if (mmdebstrap !== undefined) {
    try {
      await publish('debian', makeImage([await debianLayer(mmdebstrap)], { settings: debianSettings }))
    } catch (error) {
      missing.push({ part: 'debian', reason: `the Debian image could not be made: ${(error as Error).message}` })
    }
  }
  return { images, missing }
}
