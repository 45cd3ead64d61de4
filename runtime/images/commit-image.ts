import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import { chainIdsOf } from '../layers/chain-id.js'
import { mediaTypes } from '../registry/media-types.js'
import { canonical, parseReference } from '../registry/reference.js'
import { collectGarbage } from './collect-garbage.js'
import { parseImageConfig } from './image-config.js'
import { checkNewName, readRecord, type StoredImage, type StoredReference } from './image-records.js'
import type { CommitOptions, ImageRecord } from './image-service.js'
import { abandonLease, endLease, takeLease } from './leases.js'
import type { PullParts } from './pull-image.js'

interface Layer {
  readonly digest: string
  readonly diffId: string
  readonly size: number
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

interface Document {
  readonly bytes: Buffer
  readonly digest: string
}

const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip'

/** Make an image of another one and a layer on top of it. When it rejects nothing is left behind. See `ImageService.commit`. */
export async function commitImage(options: CommitOptions, parts: PullParts): Promise<ImageRecord> {
  if (options.name !== undefined) checkNewName(parseReference(options.name))
  const base = readRecord(parts.metadata, options.baseId)
  // A place on the data root that is cleaned up after a crash.
  const place = await parts.snapshotter.prepare('')
  try {
    const file = join(place.directory, 'layer')
    crashPoint('commit.packing')
    const layer = options.layer === undefined ? undefined : await pack(options.layer, file, options.signal)
    crashPoint('commit.packed')
    options.onPacked?.()
    return await store({ options, base, layer, file }, parts)
  } finally {
    await place.abort()
  }
}

/** Compress it into a file, with the digests of both sides. */
async function pack(layer: AsyncIterable<Uint8Array>, file: string, signal: AbortSignal): Promise<Layer> {
  const plain = createHash('sha256')
  const packed = createHash('sha256')
  let size = 0
  await pipeline(
    Readable.from(
      hashed(layer, chunk => plain.update(chunk)),
      { objectMode: false }
    ),
    createGzip(),
    source =>
      hashed(source, chunk => {
        packed.update(chunk)
        size += chunk.byteLength
      }),
    createWriteStream(file, { flags: 'wx', mode: 0o600 }),
    { signal }
  )
  return { digest: `sha256:${packed.digest('hex')}`, diffId: `sha256:${plain.digest('hex')}`, size }
}

async function* hashed(source: AsyncIterable<Uint8Array>, see: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    see(chunk)
    yield chunk
  }
}

interface Commit {
  readonly options: CommitOptions
  readonly base: ImageRecord
  readonly layer: Layer | undefined
  readonly file: string
}

async function store(commit: Commit, parts: PullParts): Promise<ImageRecord> {
  const { options, base, layer } = commit
  const diffIds = [...base.diffIds, ...(layer === undefined ? [] : [layer.diffId])]
  const chainIds = chainIdsOf(diffIds)
  const config = document(configOf(commit, diffIds))
  const layers = [...(await layersOf(base, parts)), ...(layer === undefined ? [] : [descriptor(layerType, layer)])]
  const manifest = document({
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: mediaTypes.dockerConfig, size: config.bytes.length, digest: config.digest },
    layers
  })
  const blobs = [manifest.digest, config.digest, ...layers.map(({ digest }) => digest)]
  const lease = await takeLease(parts.metadata, { reference: options.name ?? config.digest, digests: blobs, chainIds })
  try {
    for (const { bytes, digest } of [config, manifest]) await ingest({ digest, source: () => once(bytes), signal: options.signal }, parts)
    if (layer !== undefined) await commitLayer({ ...commit, layer, chainIds }, parts)
    await parts.metadata.transaction(transaction => {
      const missing = chainIds.find(chainId => !parts.snapshotter.has(chainId))
      if (missing !== undefined) {
        throw new EngineError('unavailable', `a layer below (${missing}) was removed meanwhile; try again`, {
          details: { chainId: missing }
        })
      }
      const sizes = chainIds.map(chainId => transaction.get<{ readonly sizeBytes?: number }>('layers', chainId)?.sizeBytes ?? 0)
      transaction.put<StoredImage>('images', config.digest, {
        ...parseImageConfig(config.bytes, 'cannot commit'),
        parentId: base.id,
        ...(options.name !== undefined && { lastTaggedAt: options.created }),
        manifestDigest: manifest.digest,
        sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
        blobs
      })
      if (options.name !== undefined) {
        const key = canonical(parseReference(options.name))
        transaction.put<StoredReference>('references', key, { target: manifest.digest, imageId: config.digest })
      }
      endLease(transaction, lease)
      crashPoint('image.recording')
    })
    crashPoint('image.recorded')
  } catch (error) {
    const garbage = await abandonLease(parts.metadata, lease)
    if (garbage !== undefined) await collectGarbage(garbage, parts)
    throw error
  }
  return readRecord(parts.metadata, config.digest)
}

/** The layer as a blob and as a directory, each under its lock, as pulls do it. */
async function commitLayer(
  { options, base, layer, file, chainIds }: Commit & { readonly layer: Layer; readonly chainIds: readonly string[] },
  parts: PullParts
): Promise<void> {
  const { signal } = options
  const chainId = chainIds.at(-1) ?? ''
  const lock = await parts.locks.layer(chainId, { signal })
  try {
    await ingest({ digest: layer.digest, source: () => createReadStream(file), signal }, parts)
    if (parts.snapshotter.has(chainId)) return
    const prepared = await parts.snapshotter.prepare(chainId, base.chainId)
    try {
      const source = parts.content.stream(layer.digest)
      const { diffId, sizeBytes } = await parts.unpack(source, { mediaType: layerType, directory: prepared.directory, signal })
      crashPoint('layer.unpacked')
      await prepared.commit({ diffId, sizeBytes })
    } catch (error) {
      await prepared.abort()
      throw error
    }
  } finally {
    lock.release()
  }
}

async function ingest(
  blob: { readonly digest: string; readonly source: () => AsyncIterable<Uint8Array>; readonly signal: AbortSignal },
  { content, locks }: PullParts
): Promise<void> {
  const { digest, signal } = blob
  const lock = await locks.blob(digest, { signal })
  try {
    if (!(await content.has(digest))) await content.ingest({ digest }, blob.source(), { signal })
  } finally {
    lock.release()
  }
}

function configOf({ options, base, layer }: Commit, diffIds: readonly string[]) {
  const { author, comment, createdBy, created } = options
  return {
    architecture: base.architecture,
    ...(base.variant && { variant: base.variant }),
    os: base.os,
    created,
    ...(author && { author }),
    config: options.config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [
      ...base.history,
      {
        created,
        created_by: createdBy,
        ...(author && { author }),
        ...(comment && { comment }),
        ...(layer === undefined && { empty_layer: true })
      }
    ]
  }
}

/** What the base's manifest says of its layers. */
async function layersOf(base: ImageRecord, { content }: PullParts): Promise<readonly Descriptor[]> {
  const manifest: { readonly layers?: readonly Descriptor[] } = JSON.parse(Buffer.from(await content.read(base.manifestDigest)).toString()) // checked when it was pulled
  return (manifest.layers ?? []).map(layer => descriptor(layer.mediaType, layer))
}

function descriptor(mediaType: string, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): Descriptor {
  return { mediaType, size, digest }
}

function document(value: object): Document {
  const bytes = Buffer.from(JSON.stringify(value))
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
