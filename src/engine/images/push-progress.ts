import type { PushImageInfo } from '../../api/index.js'
import type { ImagePushProgressEvent } from '../events/engine-event.js'
import type { Digest } from '../values.js'

/** A line of a push as engines send it: the API's description leaves out two of its fields. */
export type PushLine = PushImageInfo & {
  readonly id?: string
  readonly aux?: { readonly Tag?: string; readonly Digest?: string; readonly Size?: number }
}

const phases: Readonly<Record<string, ImagePushProgressEvent['phase']>> = {
  Preparing: 'waiting',
  Waiting: 'waiting',
  Pushing: 'pushing',
  'Layer already exists': 'present',
  'Skipped foreign layer': 'skipped',
  Pushed: 'done'
}

const mounted = /^Mounted from (.+)$/

/** Turns the lines of a push into events, and keeps what its result is made of. */
export class PushProgress {
  readonly #ref: string
  readonly #sizes = new Map<string, number>()
  #pushed: { readonly digest: Digest; readonly sizeBytes: number } | undefined

  constructor(ref: string) {
    this.#ref = ref
  }

  /** What the tag names in the registry now, once the engine has told it. */
  get pushed(): { readonly digest: Digest; readonly sizeBytes: number } | undefined {
    return this.#pushed
  }

  /** Bytes of the layers that were sent, as far as the engine told their sizes. */
  get bytes(): number {
    return [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** The event a line stands for, if any. */
  next({ id, status, progressDetail, aux }: PushLine): ImagePushProgressEvent | undefined {
    this.#pushed ??= resultOf(aux?.Digest, aux?.Size) ?? spokenResult(status)
    if (id === undefined || status === undefined) return undefined
    const from = mounted.exec(status)?.[1]
    const phase = from !== undefined ? 'mounted' : Object.hasOwn(phases, status) ? phases[status] : undefined
    if (phase === undefined) return undefined
    const known = this.#sizes.get(id) ?? 0
    const total = progressDetail?.total ?? known
    if (phase === 'pushing' && total > 0) this.#sizes.set(id, total)
    const current = phase === 'done' ? total : (progressDetail?.current ?? 0)
    return { type: 'image.push.progress', ref: this.#ref, layer: id, phase, ...(from !== undefined && { from }), current, total }
  }
}

/** `latest: digest: sha256:... size: 1234`: what engines say to people. */
function spokenResult(status: string | undefined) {
  const [, digest, size] = /: digest: (\S+) size: (\d+)$/.exec(status ?? '') ?? []
  return resultOf(digest, Number(size))
}

function resultOf(digest: string | undefined, sizeBytes: number | undefined) {
  if (digest === undefined || sizeBytes === undefined || !/^sha256:[0-9a-f]{64}$/.test(digest)) return undefined
  // The reason for the cast: the pattern spells a Digest.
  return { digest: digest as Digest, sizeBytes }
}
