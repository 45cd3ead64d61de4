import type { CreateImageInfo } from '../../api/index.js'
import type { ImagePullProgressEvent } from '../events/engine-event.js'
import type { Digest } from '../values.js'

const phases: Readonly<Record<string, ImagePullProgressEvent['phase']>> = {
  'Already exists': 'present',
  Downloading: 'downloading',
  'Verifying Checksum': 'downloading',
  'Download complete': 'downloading',
  Extracting: 'unpacking',
  'Pull complete': 'done'
}

/** Turns the messages of a pull into events, and keeps what its result is made of. */
export class PullProgress {
  readonly #ref: string
  readonly #downloads = new Map<string, number>()
  #digest: Digest | undefined
  #isNewer = false

  constructor(ref: string) {
    this.#ref = ref
  }

  /** Digest of what the reference named, where the engine told it. */
  get digest(): Digest | undefined {
    return this.#digest
  }

  /** Bytes of the layers that were fetched, as far as the engine told their sizes. */
  get bytes(): number {
    return [...this.#downloads.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Whether nothing had to be fetched. */
  get fromCache(): boolean {
    return !this.#isNewer && this.#downloads.size === 0
  }

  /** The event a message stands for, if any. */
  next(message: CreateImageInfo): ImagePullProgressEvent | undefined {
    const { id, status, progressDetail } = message
    if (status === undefined) return undefined
    if (/^Status: Downloaded newer image/.test(status)) this.#isNewer = true
    // The reason for the cast: the pattern spells a Digest.
    this.#digest ??= /^Digest: (sha256:[0-9a-f]{64})$/.exec(status)?.[1] as Digest | undefined
    const phase = Object.hasOwn(phases, status) ? phases[status] : undefined
    if (id === undefined || phase === undefined) return undefined
    const known = this.#downloads.get(id) ?? 0
    const total = progressDetail?.total ?? known
    if (status === 'Downloading' && total > 0) this.#downloads.set(id, total)
    const isWhole = phase === 'done' || status === 'Verifying Checksum' || status === 'Download complete'
    const current = isWhole ? total : (progressDetail?.current ?? 0)
    return { type: 'image.pull.progress', ref: this.#ref, layer: id, phase, current, total }
  }
}
