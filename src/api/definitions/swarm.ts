import type { TLSInfo } from './node.js'
import type { ObjectVersion } from './object-version.js'
import type { SwarmSpec } from './swarm-spec.js'

export interface JoinTokens {
  readonly Worker?: string | undefined
  readonly Manager?: string | undefined
}

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

export interface Swarm extends ClusterInfo {
  readonly JoinTokens?: JoinTokens | undefined
}

export interface UnlockKeyResponse {
  readonly UnlockKey?: string | undefined
}
