import type { TLSInfo } from './node.js'
import type { ObjectVersion } from './object-version.js'
import type { SwarmSpec } from './swarm-spec.js'

/** Secrets that let nodes join. */
export interface JoinTokens {
  readonly Worker?: string | undefined
  readonly Manager?: string | undefined
}

/** The swarm as seen by its members. */
export interface ClusterInfo {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: SwarmSpec | undefined
  readonly TLSInfo?: TLSInfo | undefined
  readonly RootRotationInProgress?: boolean | undefined
  readonly DataPathPort?: number | undefined
  readonly DefaultAddrPool?: readonly string[] | undefined
  readonly SubnetSize?: number | undefined
}

/** The swarm as seen by its managers. */
export interface Swarm extends ClusterInfo {
  readonly JoinTokens?: JoinTokens | undefined
}

/** The key that opens a locked manager. */
export interface UnlockKeyResponse {
  readonly UnlockKey?: string | undefined
}
