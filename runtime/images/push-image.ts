import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import { digestOf } from '../registry/digest.js'
import type { Descriptor } from '../registry/manifest.js'
import { canonical, familiar, parseReference, type Reference, withDigest } from '../registry/reference.js'
import { type CollectorParts, collectGarbage } from './collect-garbage.js'
import type { StoredImage, StoredReference } from './image-records.js'
import { endLease, imageHolding, putGarbage, takeLease } from './leases.js'
import { mountSources } from './mount-sources.js'
import { type PushParts, pushBlob, pushLayer } from './push-layer.js'
import type { PushOptions, PushResult } from './push-options.js'
import { isForeign, isPlain, type PlannedDocument, type PlannedManifest, planPush } from './push-plan.js'
import { PushedLayer } from './push-progress.js'
import { together } from './together.js'

/** A push in progress. */
interface Push {
  readonly reference: Reference
  readonly options: PushOptions
  readonly mountFrom: (digest: string) => readonly string[]
}

/**
 * `docker push` of one tag. Layers and configurations go first, several at a time, then the manifests, the tag last: a push that ends early
 * leaves a registry as it was, but for blobs that its garbage collection removes. Here a lease holds what is sent until the end.
 */
export async function pushImage(text: string, options: PushOptions, parts: PushParts & CollectorParts): Promise<PushResult> {
  const reference = parseReference(text)
  if (reference.digest !== undefined) throw new EngineError('invalid_argument', 'cannot push a digest reference')
  options.signal.throwIfAborted()
  const named = parts.metadata.get<StoredReference>('references', canonical(reference))
  const image = named && parts.metadata.get<StoredImage>('images', named.imageId)
  if (named === undefined || image === undefined) {
    const name = familiar(reference)
    throw new EngineError('not_found', `tag does not exist: ${name}`, { details: { image: name } })
  }
  const held = imageHolding(named.imageId, image).digests
  const lease = await takeLease(parts.metadata, { reference: canonical(reference), digests: held, chainIds: [] })
  const hold: Hold = { lease, imageId: named.imageId, digests: held }
  try {
    const plan = await planPush({ reference, named, image, platform: options.platform }, parts.content)
    crashPoint('push.planned')
    const push: Push = { reference, options, mountFrom: mountSources(reference, parts.metadata) }
    const sent: PlannedDocument[] = []
    for (const planned of plan.manifests) sent.push(await sendBlobs(push, planned, parts))
    crashPoint('push.blobs-sent')
    // With an index the manifests are known by their digests alone.
    const top = plan.index ?? sent.pop()
    if (top === undefined) throw new EngineError('data_loss', `cannot push ${familiar(reference)}: its index names nothing`)
    for (const manifest of sent) await put(withDigest(reference, manifest.digest), manifest, push, parts)
    await put(reference, top, push, parts)
    crashPoint('push.tagged')
    await release(hold, parts, { reference: canonical(withDigest(reference, top.digest)), target: top.digest })
    crashPoint('push.released')
    return { digest: top.digest, sizeBytes: top.bytes.byteLength }
  } catch (error) {
    await release(hold, parts)
    throw error
  }
}

/** What a push holds on to. */
interface Hold {
  readonly lease: string
  readonly imageId: string
  readonly digests: readonly string[]
}

/** What the lease held is the image's again; where that was removed meanwhile, nobody's. With `pushed` the image is known by it from here on. */
async function release(
  { lease, imageId, digests }: Hold,
  parts: CollectorParts,
  pushed?: { readonly reference: string; readonly target: string }
): Promise<void> {
  const garbage = await parts.metadata.transaction(transaction => {
    endLease(transaction, lease)
    if (transaction.get<StoredImage>('images', imageId) === undefined) return putGarbage(transaction, { digests, chainIds: [] })
    if (pushed !== undefined) transaction.put<StoredReference>('references', pushed.reference, { target: pushed.target, imageId })
    return undefined
  })
  if (garbage !== undefined) await collectGarbage(garbage, parts)
}

/** Everything that a manifest names. @returns the manifest to be stored: another one where layers were compressed on their way */
async function sendBlobs(push: Push, planned: PlannedManifest, parts: PushParts): Promise<PlannedDocument> {
  const { reference, options } = push
  const { config, layers } = planned.manifest
  const sent = new Map<string, Descriptor>()
  const access = { signal: options.signal, ...(options.auth !== undefined && { auth: options.auth }) }
  const progressOf = (descriptor: Descriptor, at: number) =>
    new PushedLayer(planned.diffIds[at] ?? descriptor.digest, descriptor.size, options.onProgress ?? (() => {}))
  const jobs = layers.map((descriptor, at) => ({ reference, descriptor, progress: progressOf(descriptor, at) }))
  // The topmost first, as Docker tells it.
  for (const { progress } of [...jobs].reverse()) progress.is('preparing')
  // What an image has twice is sent once.
  const wanted = new Map(jobs.reverse().map(job => [job.descriptor.digest, job]))
  await together(options.signal, signal => [
    pushBlob({ reference, descriptor: config, access: { ...access, signal } }, parts),
    ...[...wanted.values()].map(async job => {
      if (isForeign(job.descriptor)) return job.progress.is('skipped')
      const mountFrom = push.mountFrom(job.descriptor.digest)
      sent.set(job.descriptor.digest, await pushLayer({ ...job, access: { ...access, signal, mountFrom } }, parts))
    })
  ])
  if (!layers.some(isPlain)) return planned
  const bytes = withLayers(planned.bytes, at => sent.get(layers[at]?.digest ?? ''))
  return { digest: digestOf(bytes), bytes, mediaType: planned.mediaType }
}

/** The same manifest with other layers, where there are others. */
function withLayers(bytes: Uint8Array, layerAt: (at: number) => Descriptor | undefined): Uint8Array {
  const document: { readonly layers: readonly object[] } = JSON.parse(Buffer.from(bytes).toString('utf8')) // checked when it was planned
  return Buffer.from(JSON.stringify({ ...document, layers: document.layers.map((layer, at) => layerAt(at) ?? layer) }))
}

async function put(reference: Reference, document: PlannedDocument, { options }: Push, { registry }: PushParts): Promise<void> {
  const { signal, auth } = options
  await registry.pushManifest(reference, document, { signal, ...(auth !== undefined && { auth }) })
}
