import { boolean, integer, lazy, list, object, required, string } from '../schema.js'
import { type SwarmSpec, swarmSpec } from './swarm-spec.js'

/** A swarm to found. */
export interface SwarmInitRequest {
  /** `address:port` or `interface:port`. */
  readonly ListenAddr?: string | undefined
  /** The address other nodes reach this one at. */
  readonly AdvertiseAddr?: string | undefined
  readonly DataPathAddr?: string | undefined
  /** 1024 to 49151; 4789 when 0. */
  readonly DataPathPort?: number | undefined
  readonly DefaultAddrPool?: readonly string[] | null | undefined
  readonly ForceNewCluster?: boolean | undefined
  /** Prefix length. */
  readonly SubnetSize?: number | undefined
  readonly Spec?: SwarmSpec | undefined
}

/** Schema of {@link SwarmInitRequest}. */
export const swarmInitRequest = lazy(() =>
  object<SwarmInitRequest>({
    ListenAddr: string(),
    AdvertiseAddr: string(),
    DataPathAddr: string(),
    DataPathPort: integer(),
    DefaultAddrPool: list(string()),
    ForceNewCluster: boolean(),
    SubnetSize: integer(),
    Spec: swarmSpec()
  })
)

/** A swarm to join. */
export interface SwarmJoinRequest {
  readonly ListenAddr: string
  readonly AdvertiseAddr?: string | undefined
  readonly DataPathAddr?: string | undefined
  readonly RemoteAddrs: readonly string[] | null
  readonly JoinToken: string
}

/** Schema of {@link SwarmJoinRequest}. */
export const swarmJoinRequest = lazy(() =>
  object<SwarmJoinRequest>({
    ListenAddr: required(string()),
    AdvertiseAddr: string(),
    DataPathAddr: string(),
    RemoteAddrs: required(list(string())),
    JoinToken: required(string())
  })
)

/** The key that opens a locked manager. */
export interface SwarmUnlockRequest {
  readonly UnlockKey?: string | undefined
}

/** Schema of {@link SwarmUnlockRequest}. */
export const swarmUnlockRequest = lazy(() => object<SwarmUnlockRequest>({ UnlockKey: string() }))
