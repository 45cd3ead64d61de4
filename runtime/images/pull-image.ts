import { setMaxListeners } from 'node:events'
import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { FileLock } from '../host/host.js'
import { chainIdsOf } from '../layers/chain-id.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { isLayerType } from '../registry/media-types.js'
import { choosePlatform, formatPlatform, type Platform, parsePlatform } from '../registry/platform.js'
import { canonical, familiar, parseReference, type Reference, withDigest } from '../registry/reference.js'
import type { RegistryReadOptions } from '../registry/registry-client.js'
import { type ResolvedImage, resolveImage } from '../registry/resolve-image.js'
import type { TrustGate } from '../trust/trust-gate.js'
import { type Attestation, blobsOfAttestations, fetchAttestations } from './attestations.js'
import { collectGarbage } from './collect-garbage.js'
import { type ParsedImageConfig, parseImageConfig } from './image-config.js'
import { keptFacts, readRecord, type StoredImage, type StoredReference } from './image-records.js'
import type { PullOptions, PullResult } from './image-service.js'
import { LayerProgress } from './layer-progress.js'
import { abandonDeadLeases, abandonLease, endLease, takeLease } from './leases.js'
import { type LayerParts, pullLayer } from './pull-layer.js'

export interface PullParts extends LayerParts {
  readonly metadata: MetadataStore
  /** The platform of containers here. */
  readonly platform: Platform
  readonly trust: TrustGate
}

/** A pull in progress: what was found, and what will be stored. */
interface Pull {
  readonly reference: Reference
  readonly resolved: ResolvedImage
  readonly configuration: HeldConfig
  readonly attestations: readonly Attestation[]
  readonly config: ParsedImageConfig
  readonly chainIds: readonly string[]
  readonly access: RegistryReadOptions
  readonly options: PullOptions
}

/** An image's configuration, in memory. */
interface HeldConfig {
  readonly bytes: Uint8Array
  /** Its own, until it is stored: others that want it wait, and find it there. Absent where it was stored before. */
  readonly lock?: FileLock
}

/** Longest image configuration taken; the largest seen in the wild are some 100 KiB. */
const configLimitBytes = 8 * 1024 * 1024
const maximumRounds = 3

/**
 * `docker pull`. Order of events, and what a SIGKILL between two of them leaves:
 *
 * 1. manifest and configuration are fetched into memory, and signatures, where one is asked for: nothing;
 * 2. a lease is taken on everything the image consists of: a record that is void once its owner is dead;
 * 3. blobs are stored and layers committed, each one whole or not at all: blobs and layers that the next pull finds and uses;
 * 4. image and references are written and the lease ends, in one transaction: the image.
 */
export async function pullImage(text: string, options: PullOptions, parts: PullParts): Promise<PullResult> {
  const reference = parseReference(text)
  const wanted = options.platform === undefined ? parts.platform : parsePlatform(options.platform)
  const access: RegistryReadOptions = { signal: options.signal, ...(options.auth === undefined ? {} : { auth: options.auth }) }
  options.signal.throwIfAborted()
  const check = parts.trust.checkFor(reference, options.verify)
  const resolved = await resolveImage(parts.registry, reference, { ...access, platform: wanted })
  crashPoint('image.resolved')
  // Before anything else of it is fetched, and also when it is here: that it came in once does not make it trusted.
  await check?.({ digest: resolved.target, bytes: resolved.documents[0]?.bytes ?? new Uint8Array() }, access)
  checkLayerTypes(reference, resolved)
  if (isStored(reference, resolved, parts)) {
    for (const { digest, size } of resolved.manifest.layers) new LayerProgress(digest, size, options.onProgress).present()
    return { image: readRecord(parts.metadata, resolved.manifest.config.digest), digest: resolved.target, changed: false }
  }
  const configuration = readConfig(reference, resolved, { access, parts })
  try {
    const [held, attestations] = await Promise.all([
      configuration,
      fetchAttestations(reference, resolved, { access, registry: parts.registry })
    ])
    const config = parseImageConfig(held.bytes, `cannot pull ${familiar(reference)}`)
    checkConfig(reference, { resolved, config, asked: options.platform === undefined ? undefined : wanted })
    const chainIds = chainIdsOf(config.diffIds)
    await bringIn({ reference, resolved, configuration: held, attestations, config, chainIds, access, options }, parts)
  } finally {
    await configuration.then(({ lock }) => lock?.release()).catch(() => undefined)
  }
  crashPoint('image.recorded')
  for (const key of await abandonDeadLeases(parts.metadata, { reference: canonical(reference) })) {
    await collectGarbage(key, parts)
  }
  return { image: readRecord(parts.metadata, resolved.manifest.config.digest), digest: resolved.target, changed: true }
}

async function bringIn(pull: Pull, parts: PullParts): Promise<void> {
  const lease = await takeLease(parts.metadata, {
    reference: canonical(pull.reference),
    digests: blobsOf(pull),
    chainIds: pull.chainIds
  })
  try {
    for (let round = 1; ; round++) {
      if ((await bringInContent(pull, parts)) && (await record(pull, lease, parts))) return
      if (round === maximumRounds) {
        throw new EngineError(
          'unavailable',
          `cannot pull ${familiar(pull.reference)}: its layers are removed as fast as they come; try again`
        )
      }
    }
  } catch (error) {
    throw await afterCleanUp(error, lease, parts)
  }
}

/** Leave nothing behind. What cannot be removed now is on record as garbage, and told with the error. */
async function afterCleanUp(error: unknown, lease: string, parts: PullParts): Promise<unknown> {
  try {
    const garbage = await abandonLease(parts.metadata, lease)
    if (garbage !== undefined) await collectGarbage(garbage, parts)
    return error
  } catch (cleanUpError) {
    if (!EngineError.is(error)) return error
    return new EngineError(error.code, error.message, { details: { ...error.details, cleanUpError }, cause: error })
  }
}

/**
 * All at once; the first failure stops the others, and none is left running when this returns.
 *
 * @returns false when a layer that others were to stand on was removed meanwhile
 */
async function bringInContent(pull: Pull, parts: PullParts): Promise<boolean> {
  const stop = new AbortController()
  // Every layer listens to it, and images have up to 127.
  setMaxListeners(0, stop.signal)
  const { signal } = pull.access
  const forward = () => stop.abort(signal.reason)
  if (signal.aborted) forward()
  signal.addEventListener('abort', forward, { once: true })
  const inner: Pull = { ...pull, access: { ...pull.access, signal: stop.signal } }
  const work = [...storeDocuments(inner, parts), ...storeStatements(inner, parts), ...pullLayers(inner, parts)]
  for (const step of work) step.catch(error => stop.abort(error))
  try {
    await Promise.allSettled(work)
    if (stop.signal.aborted) throw stop.signal.reason
    return true
  } catch (error) {
    if (isMissingLayer(error, pull.chainIds)) return false
    throw error
  } finally {
    signal.removeEventListener('abort', forward)
  }
}

/** The snapshotter's answer to a commit on a layer that is gone. */
function isMissingLayer(error: unknown, chainIds: readonly string[]): boolean {
  return EngineError.is(error) && error.code === 'not_found' && chainIds.some(chainId => chainId === error.details.chainId)
}

function storeDocuments(pull: Pull, parts: PullParts): Promise<void>[] {
  const { resolved, attestations } = pull
  const documents = [...resolved.documents, ...attestations]
  return [storeConfig(pull, parts), ...documents.map(({ digest, bytes }) => storeBlob({ digest }, () => once(bytes), { pull, parts }))]
}

/** Under the lock that it was fetched with, where it was. */
async function storeConfig(pull: Pull, parts: PullParts): Promise<void> {
  const { bytes, lock } = pull.configuration
  const { digest } = pull.resolved.manifest.config
  if (lock === undefined) return storeBlob({ digest }, () => once(bytes), { pull, parts })
  if (!(await parts.content.has(digest))) await parts.content.ingest({ digest }, once(bytes), { signal: pull.access.signal })
  lock.release()
}

function storeStatements(pull: Pull, parts: PullParts): Promise<void>[] {
  const statements = pull.attestations.flatMap(attestation => attestation.statements)
  return statements.map(statement =>
    storeBlob(
      { digest: statement.digest, sizeBytes: statement.size },
      () => parts.registry.blobStream(pull.reference, statement, pull.access),
      { pull, parts }
    )
  )
}

async function storeBlob(
  expected: { readonly digest: string; readonly sizeBytes?: number },
  source: () => AsyncIterable<Uint8Array>,
  { pull, parts }: { readonly pull: Pull; readonly parts: PullParts }
): Promise<void> {
  const { signal } = pull.access
  const lock = await parts.locks.blob(expected.digest, { signal })
  try {
    if (!(await parts.content.has(expected.digest))) await parts.content.ingest(expected, source(), { signal })
  } finally {
    lock.release()
  }
}

function pullLayers(pull: Pull, parts: PullParts): Promise<void>[] {
  const { reference, resolved, config, chainIds, access, options } = pull
  const steps: Promise<void>[] = []
  for (const [position, descriptor] of resolved.manifest.layers.entries()) {
    const step = pullLayer(
      {
        reference,
        descriptor,
        // As many diff IDs as layers: checked when the configuration was read.
        diffId: config.diffIds[position] ?? '',
        chainId: chainIds[position] ?? '',
        parentChainId: chainIds[position - 1],
        parentReady: steps.at(-1) ?? Promise.resolve(),
        access,
        progress: new LayerProgress(descriptor.digest, descriptor.size, options.onProgress)
      },
      parts
    )
    // The next layer waits for this one and everything is awaited at the end, but not yet at the moment when it may fail.
    step.catch(() => undefined)
    steps.push(step)
  }
  return steps
}

/** @returns false when a layer that was there at the beginning has been removed since */
function record(pull: Pull, lease: string, parts: PullParts): Promise<boolean> {
  const { reference, resolved, config, chainIds, attestations } = pull
  const imageId = resolved.manifest.config.digest
  return parts.metadata.transaction(transaction => {
    if (!chainIds.every(chainId => parts.snapshotter.has(chainId))) return false
    const sizes = chainIds.map(chainId => transaction.get<{ readonly sizeBytes?: number }>('layers', chainId)?.sizeBytes ?? 0)
    const known = transaction.get<StoredImage>('images', imageId)
    const stored: StoredImage = {
      ...config,
      ...keptFacts(known),
      manifestDigest: resolved.manifestDigest,
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      // One image may be reached through several manifests and indexes; all of them are kept with it.
      blobs: [...new Set([...(known?.blobs ?? []), ...blobsOf(pull)])],
      ...(attestations.length > 0 && { attestations: attestations.map(({ digest }) => digest) })
    }
    transaction.put('images', imageId, stored)
    for (const key of referenceKeys(reference, resolved)) {
      transaction.put<StoredReference>('references', key, { target: resolved.target, imageId })
    }
    endLease(transaction, lease)
    crashPoint('image.recording')
    return true
  })
}

/** A pulled tag is known by its digest too. With a digest the tag says nothing, and Docker does not keep it. */
function referenceKeys(reference: Reference, { target }: ResolvedImage): readonly string[] {
  const byDigest = canonical(withDigest(reference, reference.digest ?? target))
  return reference.digest === undefined ? [canonical(reference), byDigest] : [byDigest]
}

function blobsOf({ resolved, attestations }: Pull): readonly string[] {
  const { documents, manifest } = resolved
  return [
    ...documents.map(({ digest }) => digest),
    manifest.config.digest,
    ...manifest.layers.map(({ digest }) => digest),
    ...blobsOfAttestations(attestations)
  ]
}

function isStored(reference: Reference, resolved: ResolvedImage, { metadata, snapshotter }: PullParts): boolean {
  const imageId = resolved.manifest.config.digest
  const stored = metadata.get<StoredImage>('images', imageId)
  if (stored === undefined || stored.manifestDigest !== resolved.manifestDigest) return false
  const named = referenceKeys(reference, resolved).every(key => {
    const known = metadata.get<StoredReference>('references', key)
    return known?.imageId === imageId && known.target === resolved.target
  })
  return named && chainIdsOf(stored.diffIds).every(chainId => snapshotter.has(chainId))
}

async function readConfig(
  reference: Reference,
  resolved: ResolvedImage,
  { access, parts }: { readonly access: RegistryReadOptions; readonly parts: PullParts }
): Promise<HeldConfig> {
  const { config } = resolved.manifest
  const stored = await readStored(config.digest, parts)
  if (stored !== undefined) return { bytes: stored }
  const lock = await parts.locks.blob(config.digest, { signal: access.signal })
  try {
    const meanwhile = await readStored(config.digest, parts)
    if (meanwhile === undefined) {
      return { bytes: await parts.registry.blob(reference, config, { ...access, limitBytes: configLimitBytes }), lock }
    }
    lock.release()
    return { bytes: meanwhile }
  } catch (error) {
    lock.release()
    throw error
  }
}

async function readStored(digest: string, { content }: PullParts): Promise<Uint8Array | undefined> {
  return (await content.has(digest)) ? content.read(digest).catch(() => undefined) : undefined
}

function checkLayerTypes(reference: Reference, { manifest }: ResolvedImage): void {
  const strange = manifest.layers.find(({ mediaType }) => !isLayerType(mediaType))
  if (strange === undefined) return
  throw new EngineError(
    'not_supported',
    `cannot pull ${familiar(reference)}: it has a layer of type ${JSON.stringify(strange.mediaType)}; container images have tar, tar+gzip or tar+zstd layers`,
    { details: { reference: familiar(reference), mediaType: strange.mediaType, layer: strange.digest } }
  )
}

function checkConfig(
  reference: Reference,
  image: { readonly resolved: ResolvedImage; readonly config: ParsedImageConfig; readonly asked: Platform | undefined }
): void {
  const { config, resolved, asked } = image
  const layers = resolved.manifest.layers.length
  if (config.diffIds.length !== layers) {
    throw new EngineError(
      'data_loss',
      `cannot pull ${familiar(reference)}: its manifest has ${layers} layers, its configuration ${config.diffIds.length}; the image is damaged: push it again`
    )
  }
  const platform = {
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined ? {} : { variant: config.variant })
  }
  if (config.os !== 'linux') {
    throw new EngineError(
      'not_supported',
      `cannot pull ${familiar(reference)}: it is an image for ${formatPlatform(platform)}; only linux images run here`
    )
  }
  if (asked !== undefined && choosePlatform([{ platform }], asked) === undefined) {
    throw new EngineError(
      'not_found',
      `image ${familiar(reference)} was found but does not match the asked platform: wanted ${formatPlatform(asked)}, actual ${formatPlatform(platform)}`,
      { details: { reference: familiar(reference), platform: formatPlatform(asked), available: [formatPlatform(platform)] } }
    )
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
