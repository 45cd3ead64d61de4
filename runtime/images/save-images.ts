import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EngineError } from '../../src/errors/index.js'
import { decompress } from '../layers/decompress.js'
import { paddingOf } from '../layers/tar-header.js'
import { archiveEnd, headerBlocks } from '../layers/tar-writer.js'
import { mediaTypes } from '../registry/media-types.js'
import { canonical, familiar } from '../registry/reference.js'
import { collectGarbage } from './collect-garbage.js'
import type { SaveOptions } from './image-service.js'
import { abandonLease, takeLease } from './leases.js'
import type { PullParts } from './pull-image.js'
import { planSave, type SavedImage, type SavedLayer } from './save-plan.js'

/**
 * `docker save`. See `ImageService.save`. The archive, what says what is in it first, so that a reader can work while it comes:
 *
 *     oci-layout, index.json      OCI image-spec, image-layout.md; names as containerd and Docker 25 write them
 *     manifest.json               Docker's own list
 *     blobs/sha256/<hex>          manifests, indexes, configurations and layers, byte for byte, each once
 *
 * A zstd layer is there twice: Docker's list points to it unpacked, under its diff ID, because dockerd reads no zstd before 23.
 */
export async function saveImages(
  namesOrIds: readonly string[],
  options: SaveOptions,
  parts: PullParts
): Promise<AsyncIterable<Uint8Array>> {
  if (namesOrIds.length === 0)
    throw new EngineError('invalid_argument', 'names: name at least one image to save', { details: { field: 'names' } })
  return write(await planSave(namesOrIds, options, parts), options.signal, parts)
}

async function* write(images: readonly SavedImage[], signal: AbortSignal, parts: PullParts): AsyncGenerator<Uint8Array, void, undefined> {
  const { content, metadata } = parts
  const lease = await takeLease(metadata, {
    reference: 'save',
    digests: [...new Set(images.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)))],
    chainIds: []
  })
  try {
    yield* file('oci-layout', { imageLayoutVersion: '1.0.0' })
    yield* file('index.json', { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: images.flatMap(descriptorsOf) })
    yield* file('manifest.json', images.map(dockerItem))
    yield folder('blobs')
    yield folder('blobs/sha256')
    const written = new Set<string>()
    for (const { digest, size } of images.flatMap(({ blobs }) => blobs)) {
      if (written.has(digest)) continue
      written.add(digest)
      yield header(blobPath(digest), size)
      yield* exactly(content.stream(digest), { digest, size, signal })
    }
    for (const layer of images.flatMap(({ layers }) => layers)) {
      if (!layer.isZstd || written.has(layer.diffId)) continue
      written.add(layer.diffId)
      yield* unpacked(layer, signal, parts)
    }
    yield archiveEnd
  } finally {
    const garbage = await abandonLease(metadata, lease)
    if (garbage !== undefined) await collectGarbage(garbage, parts)
  }
}

/** As plain archive; through a file, because its length comes first. */
async function* unpacked(
  { descriptor, diffId }: SavedLayer,
  signal: AbortSignal,
  parts: PullParts
): AsyncGenerator<Uint8Array, void, undefined> {
  // A place on the data root that is cleaned up after a crash.
  const place = await parts.snapshotter.prepareUnplaced()
  try {
    const path = join(place.directory, 'layer')
    const { digest } = descriptor
    const target = createWriteStream(path, { flags: 'wx', mode: 0o600 })
    await pipeline(decompress(buffers(parts.content.stream(digest)), { mediaType: descriptor.mediaType }), copies, target, { signal })
    yield header(blobPath(diffId), target.bytesWritten)
    yield* exactly(createReadStream(path, { highWaterMark: 1024 * 1024 }), { digest, size: target.bytesWritten, signal })
  } finally {
    await place.abort()
  }
}

/** A block is the consumer's until it asks for the next one, and a stream keeps some. */
async function* copies(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const block of source) yield Buffer.from(block)
}

async function* buffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

async function* exactly(
  source: AsyncIterable<Uint8Array>,
  { digest, size, signal }: { readonly digest: string; readonly size: number; readonly signal: AbortSignal }
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0
  for await (const chunk of source) {
    signal.throwIfAborted()
    bytes += chunk.byteLength
    yield chunk
  }
  if (bytes !== size) throw new EngineError('data_loss', `blob ${digest} has ${bytes} bytes where it had ${size}: the store is damaged`)
  if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size))
}

function descriptorsOf({ manifest, names, platform }: SavedImage): readonly object[] {
  if (names.length === 0) return [{ ...manifest, platform }]
  return names.map(({ reference, target }) => ({
    mediaType: target.mediaType,
    digest: target.digest,
    size: target.size,
    annotations: {
      'io.containerd.image.name': canonical(reference),
      'org.opencontainers.image.ref.name': reference.tag ?? ''
    },
    ...(target.digest === manifest.digest && { platform })
  }))
}

function dockerItem({ id, names, layers }: SavedImage): object {
  return {
    Config: blobPath(id),
    RepoTags: names.length === 0 ? null : names.map(({ reference }) => familiar(reference)),
    Layers: layers.map(({ descriptor, diffId, isZstd }) => blobPath(isZstd ? diffId : descriptor.digest))
  }
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

function* file(path: string, content: object): Generator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(JSON.stringify(content))
  yield Buffer.concat([header(path, bytes.length), bytes, Buffer.alloc(paddingOf(bytes.length))])
}

/** The same images are the same archive: no times, no owners. */
const fixed = { uid: 0, gid: 0, modified: { seconds: 0, nanoseconds: 0 } }

function header(path: string, size: number): Buffer {
  return headerBlocks({ ...fixed, path, type: 'file', mode: 0o644, size })
}

function folder(path: string): Buffer {
  return headerBlocks({ ...fixed, path, type: 'directory', mode: 0o755, size: 0 })
}
