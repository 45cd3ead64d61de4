import type { ErrorCode } from '../../src/errors/index.js'
import type { AppliedLayer } from './apply-layer.js'

/**
 * Bytes are sent in buffers of this size: each crossing between threads has a price. The buffers are shared, not transferred: a transferred one
 * counts as new memory on either side at each crossing, and makes both collect garbage that is none.
 */
export const sendBytes = 256 * 1024

/** From the main thread to an unpack thread. Several jobs may be under way on one thread. */
export type UnpackRequest =
  | { readonly kind: 'start'; readonly job: number; readonly mediaType: string; readonly directory: string }
  /** Compressed bytes; the thread reads the buffer until it has given it back. */
  | { readonly kind: 'bytes'; readonly job: number; readonly bytes: Uint8Array<SharedArrayBuffer> }
  | { readonly kind: 'end'; readonly job: number }
  | { readonly kind: 'cancel'; readonly job: number }

/** From an unpack thread to the main thread. */
export type UnpackReply =
  /** These bytes went into the decompressor: there is room for as many more. The buffer comes back, to be filled again. */
  | { readonly kind: 'taken'; readonly job: number; readonly byteCount: number; readonly buffer?: SharedArrayBuffer }
  | { readonly kind: 'done'; readonly job: number; readonly layer: AppliedLayer }
  /** Also the answer to `cancel`. After it the thread does not touch the directory any more. */
  | { readonly kind: 'failed'; readonly job: number; readonly error: UnpackFailure }

/** An error as it crosses threads: subclasses and brands do not survive the copy. */
export interface UnpackFailure {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  readonly cause?: string
}
