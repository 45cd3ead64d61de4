import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { StagedBlob } from '../content/content-store.js'
import type { AppliedLayer } from '../layers/apply-layer.js'
import { type Compression, compressionOf } from '../layers/compression.js'
import type { UnplacedLayer } from '../snapshots/snapshotter.js'
import { ByteChannel } from './byte-channel.js'
import type { LayerParts } from './pull-layer.js'

/** A layer whose bytes are here, unpacked, and that nobody sees yet. */
export interface TakenLayer {
  /** The blob as it came. */
  readonly blob: StagedBlob
  readonly compression: Compression
  readonly diffId: string
  /** Bytes of its files. */
  readonly unpackedBytes: number
  readonly place: UnplacedLayer
}

export interface TakeLayerOptions {
  /** The beginning of it, enough to tell how it is compressed. */
  readonly first: Buffer
  /** The digest that its name promises. */
  readonly expected?: string
  /** What to call it in messages. */
  readonly name: string
  readonly signal: AbortSignal
}

type Parts = Pick<LayerParts, 'content' | 'snapshotter' | 'unpack'>

/**
 * Take in a layer of which nothing is known but its bytes: they are stored and unpacked side by side, and hashed once where blob and archive
 * are the same. When it rejects nothing is left.
 *
 * @throws EngineError `data_loss` for what is no layer or not the promised one, and as the parts do; the signal's reason on abort
 */
export async function takeLayer(source: AsyncIterable<Uint8Array>, options: TakeLayerOptions, parts: Parts): Promise<TakenLayer> {
  const { first, expected, name, signal } = options
  const compression = compressionOf(first, '')
  const place = await parts.snapshotter.prepareUnplaced()
  try {
    const { blob, applied } = await storeAndUnpack(source, { compression, directory: place.directory, signal }, parts)
    try {
      if (expected !== undefined && blob.digest !== expected) throw wrongDigest(name, expected, blob.digest)
      const { diffId, sizeBytes } = await applied
      crashPoint('layer.unpacked')
      return { blob, compression, diffId, unpackedBytes: sizeBytes, place }
    } catch (error) {
      await blob.abort()
      throw error
    }
  } catch (error) {
    await place.abort()
    throw named(error, name)
  }
}

async function storeAndUnpack(
  source: AsyncIterable<Uint8Array>,
  { compression, directory, signal }: { readonly compression: Compression; readonly directory: string; readonly signal: AbortSignal },
  { content, unpack }: Parts
): Promise<{ readonly blob: StagedBlob; readonly applied: Promise<AppliedLayer> }> {
  const channel = new ByteChannel()
  const stop = new AbortController()
  const applied = unpack(channel, { mediaType: '', directory, signal: stop.signal }).catch((error: unknown) => {
    // What looks malformed may only be damaged: the digest is to tell.
    const undecided = compression !== 'none' && EngineError.is(error) && error.code === 'data_loss'
    channel.abandon(undecided ? undefined : error)
    throw error
  })
  applied.catch(() => undefined)
  const diffId = async () => {
    channel.end()
    return (await applied).diffId
  }
  try {
    const tee = (chunk: Uint8Array) => channel.push(chunk)
    const blob = await content.stage(source, { signal, tee, ...(compression === 'none' && { digest: diffId }) })
    channel.end()
    return { blob, applied }
  } catch (error) {
    channel.fail(error)
    stop.abort(error)
    // Nothing may write there any more when the place is removed.
    await applied.catch(() => undefined)
    throw error
  }
}

function wrongDigest(name: string, expected: string, actual: string): EngineError {
  return new EngineError('data_loss', `${name} should be ${expected} but hashes to ${actual}: the archive is damaged`, {
    details: { entry: name, expected, actual }
  })
}

/** The parts know nothing of archives of images; say which entry it was. */
function named(error: unknown, name: string): unknown {
  if (!EngineError.is(error) || error.message.includes(name)) return error
  return new EngineError(error.code, `${name}: ${error.message}`, { details: { ...error.details, entry: name }, cause: error })
}
