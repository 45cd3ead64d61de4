import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import { releaseMemory } from '../../src/util/release-memory.js'
import type { ContentStore } from '../content/content-store.js'
import { type CompressedBlob, compressLayer } from '../layers/compress-layer.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { type Digest, parseDigest } from '../registry/digest.js'
import type { Descriptor } from '../registry/manifest.js'
import type { BlobPushed } from '../registry/push-blob.js'
import { familiar, type Reference } from '../registry/reference.js'
import type { RegistryClient } from '../registry/registry-client.js'
import type { PushBlobOptions } from '../registry/registry-writer.js'
import { compressedKey } from './compressed-layers.js'
import { compressedLayerType, isPlain } from './push-plan.js'
import type { PushedLayer } from './push-progress.js'
import type { Semaphore } from './semaphore.js'

export interface PushParts {
  readonly content: ContentStore
  readonly metadata: MetadataStore
  readonly registry: RegistryClient
  /** Bounds how many layers go at a time. */
  readonly uploads: Semaphore
}

/** One blob on its way to a registry. */
export interface PushJob {
  readonly reference: Reference
  readonly descriptor: Descriptor
  readonly access: Pick<PushBlobOptions, 'signal' | 'auth' | 'mountFrom'>
  readonly progress: PushedLayer
}

/** @returns what the manifest is to say of it */
export async function pushLayer(job: PushJob, parts: PushParts): Promise<Descriptor> {
  const { progress, access } = job
  if (parts.uploads.isFull) progress.is('waiting')
  const leave = await parts.uploads.acquire(access.signal)
  try {
    return isPlain(job.descriptor) ? await pushPlain(job, parts) : await pushStored(job, parts)
  } catch (error) {
    throw explained(error, job)
  } finally {
    leave()
  }
}

/** A blob as it is stored. */
export function pushBlob(
  { reference, descriptor, access }: Pick<PushJob, 'reference' | 'descriptor'> & { readonly access: PushBlobOptions },
  { content, registry }: Pick<PushParts, 'content' | 'registry'>
): Promise<BlobPushed> {
  const { digest, size } = descriptor
  return registry.pushBlob(reference, { digest, size, open: offset => content.stream(digest, { offset }) }, access)
}

async function pushStored(job: PushJob, parts: PushParts): Promise<Descriptor> {
  const { progress } = job
  tell(await pushBlob({ ...job, access: { ...job.access, onProgress: bytes => progress.pushing(bytes) } }, parts), progress)
  return job.descriptor
}

async function pushPlain(job: PushJob, parts: PushParts): Promise<Descriptor> {
  const { descriptor } = job
  const key = compressedKey(descriptor.digest)
  const known = parts.metadata.get<CompressedBlob>('meta', key)
  if (known !== undefined) {
    try {
      return await pushCompressed(job, known, parts)
    } catch (error) {
      // Another library compresses now.
      if (!EngineError.is(error) || error.code !== 'data_loss') throw error
    }
  }
  const made = await pushCompressed(job, undefined, parts)
  await parts.metadata.transaction(transaction => transaction.put<CompressedBlob>('meta', key, { digest: made.digest, size: made.size }))
  crashPoint('push.compressed')
  return made
}

/** The same archive becomes the same bytes each time: where an upload was cut, they are made again up to there. */
async function pushCompressed(job: PushJob, known: CompressedBlob | undefined, { content, registry }: PushParts): Promise<Descriptor> {
  const { reference, descriptor, progress, access } = job
  let made: CompressedBlob | undefined = known
  const source = {
    ...(known !== undefined && { digest: parseDigest(known.digest), size: known.size }),
    open: (offset: number) =>
      compressLayer(released(content.stream(descriptor.digest)), {
        offset,
        onRead: bytes => progress.pushing(bytes),
        onEnd: blob => {
          made = blob
        }
      }),
    finished: (): Digest => parseDigest(made?.digest ?? '')
  }
  tell(await registry.pushBlob(reference, source, access), progress)
  if (made === undefined) throw new EngineError('internal', `layer ${descriptor.digest} was sent without being read`)
  return { mediaType: compressedLayerType, digest: parseDigest(made.digest), size: made.size }
}

/** Pieces that nobody keeps: their memory is free when the next one is asked for. */
async function* released(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    yield piece
    // Of its own: the content store reads into memory that is shared with nobody.
    if (piece.buffer instanceof ArrayBuffer) releaseMemory(piece.buffer)
  }
}

function tell(pushed: BlobPushed, progress: PushedLayer): void {
  if (pushed.how === 'mounted') progress.is('mounted', pushed.from)
  else progress.is(pushed.how === 'present' ? 'present' : 'pushed')
}

/** The store knows nothing of images; say which one it was. */
function explained(error: unknown, { reference, descriptor }: PushJob): unknown {
  if (!EngineError.is(error) || error.message.includes(familiar(reference)) || error.message.startsWith('cannot push')) return error
  return new EngineError(error.code, `cannot push ${familiar(reference)}: ${descriptor.digest}: ${error.message}`, {
    details: { ...error.details, reference: familiar(reference), layer: descriptor.digest },
    cause: error
  })
}
