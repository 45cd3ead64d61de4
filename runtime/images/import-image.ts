import { abortable } from '../content/abortable.js'
import { hostPlatform, parsePlatform } from '../registry/platform.js'
import { canonical, parseReference } from '../registry/reference.js'
import { documentOf, layerOf, manifestFor } from './archived-image.js'
import { parseImageConfig } from './image-config.js'
import { checkNewName, readRecord } from './image-records.js'
import type { ImageRecord, ImportOptions } from './image-service.js'
import type { PullParts } from './pull-image.js'
import { storeImages } from './store-images.js'
import { takeLayer } from './take-layer.js'

const firstBytes = 512

/** `docker import`: an image of one layer. See `ImageService.import`. */
export async function importImage(archive: AsyncIterable<Uint8Array>, options: ImportOptions, parts: PullParts): Promise<ImageRecord> {
  const { signal, name, onProgress } = options
  const named = name === undefined ? undefined : parseReference(name)
  if (named !== undefined) checkNewName(named)
  const reference = named && canonical(named)
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)
  const pieces = abortable(archive, signal)
  const first = await begin(pieces)
  const source = counted(first, pieces, onProgress ?? (() => {}))
  const taken = await takeLayer(source, { first, name: 'the archive', signal }, parts)
  try {
    const config = documentOf(Buffer.from(JSON.stringify(configOf(options, platform, taken.diffId))))
    const layer = layerOf({ kind: 'layer', layer: taken }, { name: 'the archive', diffId: taken.diffId })
    const manifest = manifestFor(config, [layer])
    const image = {
      id: config.digest,
      config: parseImageConfig(config.bytes, 'cannot import'),
      manifestDigest: manifest.digest,
      layers: [layer],
      documents: [manifest, config],
      names: new Map(reference === undefined ? [] : [[reference, manifest.digest]]),
      ...(reference !== undefined && { lastTaggedAt: options.created })
    }
    await storeImages([image], signal, parts)
    return readRecord(parts.metadata, image.id)
  } finally {
    await taken.blob.abort()
    await taken.place.abort()
  }
}

function configOf({ config, created, message }: ImportOptions, platform: ReturnType<typeof hostPlatform>, diffId: string): object {
  return {
    architecture: platform.architecture,
    ...(platform.variant !== undefined && { variant: platform.variant }),
    os: platform.os,
    created,
    comment: message,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, comment: message }]
  }
}

async function begin(pieces: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  while (length < firstBytes) {
    const { done, value } = await pieces.next()
    if (done) break
    parts.push(Buffer.from(value))
    length += value.byteLength
  }
  return Buffer.concat(parts)
}

async function* counted(
  first: Buffer,
  pieces: AsyncIterator<Uint8Array>,
  onProgress: (currentBytes: number) => void
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = first.length
  onProgress(bytes)
  if (first.length > 0) yield first
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    bytes += next.value.byteLength
    onProgress(bytes)
    yield next.value
  }
}
