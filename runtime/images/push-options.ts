import type { RegistryAuth } from '../registry/registry-auth.js'

/** How to push. */
export interface PushOptions {
  /** Send only this platform's image: `linux/amd64`. @default all that is here */
  readonly platform?: string
  /** @default what the registry's settings say */
  readonly auth?: RegistryAuth | 'anonymous'
  readonly signal: AbortSignal
  readonly onProgress?: (progress: PushProgress) => void
}

export interface PushResult {
  /** Digest of what the tag names in the registry now: a manifest or an index. */
  readonly digest: string
  /** Length of that document. */
  readonly sizeBytes: number
}

/** How one layer of a push comes along. */
export interface PushProgress {
  /** Digest of the unpacked layer; of something else than a layer, its own. */
  readonly layer: string
  readonly phase: 'preparing' | 'waiting' | 'pushing' | 'present' | 'mounted' | 'skipped' | 'pushed'
  /** Of `mounted`: the repository that it was taken from. */
  readonly from?: string
  readonly currentBytes: number
  readonly totalBytes: number
}
