import { EngineError } from '../../src/errors/index.js'
import type { Exchange } from './exchange.js'
import type { Descriptor } from './manifest.js'
import { closedEarly } from './network-failure.js'
import { type RetryPolicy, waitToRetry } from './retry.js'

export interface BlobStreamOptions {
  /** Ask for the blob from a byte on. A server may answer from the beginning all the same (200 instead of 206). */
  readonly open: (offset: number) => Promise<Exchange>
  readonly policy: RetryPolicy
  readonly signal: AbortSignal
  /** For messages: `pull alpine:latest`. */
  readonly doing: string
}

/**
 * The bytes of a blob, exactly as many as its descriptor says. A connection that breaks is resumed where it broke; tries
 * count from the last byte that came. The digest is not checked here: whoever takes the bytes in does that.
 *
 * @throws EngineError `data_loss` for too many or, after all tries, too few bytes
 */
export async function* blobStream(blob: Descriptor, options: BlobStreamOptions): AsyncGenerator<Uint8Array, void, undefined> {
  let received = 0
  for (let failures = 1; ; failures++) {
    const before = received
    try {
      const exchange = await options.open(received)
      let repeated = received - offsetOf(exchange)
      if (!(repeated >= 0)) throw wrongRange(blob, exchange.host, options.doing)
      for await (const chunk of exchange.bytes()) {
        const skipped = Math.min(repeated, chunk.byteLength)
        repeated -= skipped
        if (skipped === chunk.byteLength) continue
        received += chunk.byteLength - skipped
        if (received > blob.size) throw tooLong(blob, exchange.host, options.doing)
        yield skipped === 0 ? chunk : chunk.subarray(skipped)
      }
      if (received === blob.size) return
      throw tooShort(blob, { received, host: exchange.host, doing: options.doing })
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason
      if (received > before) failures = 1
      if (!(await waitToRetry(error, { policy: options.policy, failures, signal: options.signal }))) {
        throw cutOff(error) ? tooShort(blob, { received, host: String(error.details.registry), doing: options.doing }, error) : error
      }
    }
  }
}

/** Where in the blob the body begins. */
function offsetOf(exchange: Exchange): number {
  if (exchange.status !== 206) return 0
  const start = /^bytes (\d+)-/.exec(exchange.headers.get('content-range') ?? '')?.[1]
  return start === undefined ? Number.NaN : Number(start)
}

function wrongRange(blob: Descriptor, host: string, doing: string): EngineError {
  return new EngineError('unavailable', `cannot ${doing}: registry ${host} resumed ${blob.digest} at another place than asked; try again`, {
    details: { registry: host, digest: blob.digest }
  })
}

/** A body that ended before its Content-Length: the same loss as a short one without a length. */
function cutOff(error: unknown): error is EngineError {
  return EngineError.is(error) && error.details.errno === closedEarly
}

function tooLong(blob: Descriptor, host: string, doing: string): EngineError {
  return new EngineError(
    'data_loss',
    `cannot ${doing}: registry ${host} sent more than the ${blob.size} bytes of ${blob.digest}; its copy is damaged: push the image again`,
    { details: { registry: host, digest: blob.digest, expectedBytes: blob.size } }
  )
}

function tooShort(
  blob: Descriptor,
  { received, host, doing }: { readonly received: number; readonly host: string; readonly doing: string },
  cause?: unknown
): EngineError {
  return new EngineError(
    'data_loss',
    `cannot ${doing}: registry ${host} sent only ${received} of the ${blob.size} bytes of ${blob.digest}; try again, and if it stays so push the image again`,
    {
      details: { registry: host, digest: blob.digest, expectedBytes: blob.size, receivedBytes: received, retryable: true },
      ...(cause === undefined ? {} : { cause })
    }
  )
}
