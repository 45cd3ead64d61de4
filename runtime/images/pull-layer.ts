import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { ContentStore } from '../content/content-store.js'
import type { AppliedLayer, ApplyLayer } from '../layers/apply-layer.js'
import type { Descriptor } from '../registry/manifest.js'
import { familiar, type Reference } from '../registry/reference.js'
import type { RegistryClient, RegistryReadOptions } from '../registry/registry-client.js'
import type { PreparedLayer, Snapshotter } from '../snapshots/snapshotter.js'
import { ByteChannel } from './byte-channel.js'
import type { DigestLocks } from './digest-locks.js'
import type { LayerProgress } from './layer-progress.js'
import type { Semaphore } from './semaphore.js'

export interface LayerParts {
  readonly content: ContentStore
  readonly snapshotter: Snapshotter
  readonly unpack: ApplyLayer
  readonly registry: RegistryClient
  readonly locks: DigestLocks
  /** Bounds how many layers are downloaded and unpacked at a time. */
  readonly places: Semaphore
}

/** One layer of an image that is being pulled. */
export interface LayerJob {
  readonly reference: Reference
  readonly descriptor: Descriptor
  /** What the image's configuration says that it unpacks to. */
  readonly diffId: string
  readonly chainId: string
  readonly parentChainId: string | undefined
  /** Resolves when the layer below is committed. */
  readonly parentReady: Promise<void>
  readonly access: RegistryReadOptions
  readonly progress: LayerProgress
}

/**
 * Bring in one layer: download it, unpack it while it arrives, and commit it once the layer below is there and both its digests
 * (compressed and unpacked) are verified. Across processes one does it and the others wait for the result.
 *
 * @throws EngineError `data_loss` where a digest does not match, from the registry itself; else as the parts do
 */
export async function pullLayer(job: LayerJob, parts: LayerParts): Promise<void> {
  const { signal } = job.access
  if (parts.snapshotter.has(job.chainId)) return job.progress.present()
  if (parts.places.isFull) job.progress.waiting()
  const leave = await parts.places.acquire(signal)
  let left = false
  const leaveOnce = () => {
    if (!left) leave()
    left = true
  }
  try {
    const lock = await parts.locks.layer(job.chainId, { signal, onWait: () => job.progress.waiting() })
    try {
      if (parts.snapshotter.has(job.chainId)) return job.progress.present()
      const { prepared, sizeBytes } = await unpackVerified(job, parts)
      crashPoint('layer.unpacked')
      try {
        // Its place is for the next download: waiting for the layer below takes neither network nor processor.
        leaveOnce()
        await job.parentReady
        signal.throwIfAborted()
        await prepared.commit({ diffId: job.diffId, sizeBytes })
      } catch (error) {
        await prepared.abort()
        throw error
      }
      job.progress.done()
    } finally {
      lock.release()
    }
  } finally {
    leaveOnce()
  }
}

interface Unpacked {
  readonly prepared: PreparedLayer
  readonly sizeBytes: number
}

/** Where the bytes of a layer may come from, in the order in which they are tried. */
type Source = 'store' | 'any' | 'origin'

async function unpackVerified(job: LayerJob, parts: LayerParts): Promise<Unpacked> {
  const { locks, content, registry } = parts
  const lock = await locks.blob(job.descriptor.digest, { signal: job.access.signal, onWait: () => job.progress.waiting() })
  try {
    const sources: Source[] = (await content.has(job.descriptor.digest)) ? ['store', 'any'] : ['any']
    if (registry.hasMirrors(job.reference)) sources.push('origin')
    for (let next = 0; ; next++) {
      const source = sources[next] ?? 'any'
      try {
        return await unpackFrom(source, job, parts)
      } catch (error) {
        const damaged = EngineError.is(error) && error.code === 'data_loss'
        if (!damaged || next + 1 >= sources.length) throw error
        // A blob that went bad on this disk, or at a mirror: what comes next is another copy.
        if (source === 'store') await content.remove(job.descriptor.digest)
      }
    }
  } finally {
    lock.release()
  }
}

async function unpackFrom(source: Source, job: LayerJob, parts: LayerParts): Promise<Unpacked> {
  const prepared = await parts.snapshotter.prepare(job.chainId, job.parentChainId)
  try {
    const applied = source === 'store' ? await unpackStored(prepared, job, parts) : await unpackDownload(prepared, source, { job, parts })
    if (applied.diffId !== job.diffId) throw wrongDiffId(job, applied.diffId)
    return { prepared, sizeBytes: applied.sizeBytes }
  } catch (error) {
    await prepared.abort()
    throw error
  }
}

async function unpackStored(prepared: PreparedLayer, job: LayerJob, { content, unpack }: LayerParts): Promise<AppliedLayer> {
  job.progress.downloaded()
  return unpack(content.stream(job.descriptor.digest), unpackOptions(prepared, job, job.access.signal))
}

async function unpackDownload(
  prepared: PreparedLayer,
  source: Source,
  { job, parts }: { readonly job: LayerJob; readonly parts: LayerParts }
): Promise<AppliedLayer> {
  const { reference, descriptor, access } = job
  const channel = new ByteChannel()
  const stop = new AbortController()
  const unpacking = parts.unpack(channel, unpackOptions(prepared, job, stop.signal)).catch(error => {
    // An archive that looks malformed may only have been damaged on its way: the download goes on, so that its digest tells.
    const undecided = EngineError.is(error) && error.code === 'data_loss'
    channel.abandon(undecided ? undefined : error)
    throw error
  })
  unpacking.catch(() => undefined)
  try {
    const stream = parts.registry.blobStream(reference, descriptor, { ...access, skipMirrors: source === 'origin' })
    await parts.content.ingest({ digest: descriptor.digest, sizeBytes: descriptor.size }, counted(stream, job.progress), {
      signal: access.signal,
      tee: chunk => channel.push(chunk)
    })
  } catch (error) {
    channel.fail(error)
    stop.abort(error)
    // Nothing may write there any more when the place is removed.
    await unpacking.catch(() => undefined)
    throw explained(error, job)
  }
  job.progress.downloaded()
  channel.end()
  return unpacking.catch(error => {
    throw explained(error, job)
  })
}

function unpackOptions(prepared: PreparedLayer, job: LayerJob, signal: AbortSignal) {
  return {
    mediaType: job.descriptor.mediaType,
    directory: prepared.directory,
    signal,
    onProgress: (bytes: number) => job.progress.unpacking(bytes)
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, progress: LayerProgress): AsyncIterable<Uint8Array> {
  let bytes = 0
  progress.downloading(0)
  for await (const chunk of source) {
    bytes += chunk.byteLength
    progress.downloading(bytes)
    yield chunk
  }
}

/** The store and the unpacker know nothing of images; say which one it was. */
function explained(error: unknown, { reference, descriptor }: LayerJob): unknown {
  if (!EngineError.is(error) || error.message.includes(familiar(reference))) return error
  return new EngineError(error.code, `cannot pull ${familiar(reference)}: layer ${descriptor.digest}: ${error.message}`, {
    details: { ...error.details, reference: familiar(reference), layer: descriptor.digest },
    cause: error
  })
}

function wrongDiffId({ reference, descriptor, diffId }: LayerJob, actual: string): EngineError {
  return new EngineError(
    'data_loss',
    `cannot pull ${familiar(reference)}: layer ${descriptor.digest} unpacks to ${actual}, but the image's configuration says ${diffId}; the image is damaged: push it again`,
    { details: { reference: familiar(reference), layer: descriptor.digest, diffId, actual } }
  )
}
