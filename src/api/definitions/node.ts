import type { NodeSpec } from './node-spec.js'
import type { ObjectVersion } from './object-version.js'
import type { Platform, ResourceObject } from './task-spec.js'

/** The swarm's root certificate. */
export interface TLSInfo {
  readonly TrustRoot?: string | undefined
  readonly CertIssuerSubject?: string | undefined
  readonly CertIssuerPublicKey?: string | undefined
}

/** A plugin of a node. */
export interface EnginePlugin {
  readonly Type?: string | undefined
  readonly Name?: string | undefined
}

/** A node's engine. */
export interface EngineDescription {
  readonly EngineVersion?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | undefined
  readonly Plugins?: readonly EnginePlugin[] | undefined
}

/** What a node says about itself. */
export interface NodeDescription {
  readonly Hostname?: string | undefined
  readonly Platform?: Platform | undefined
  readonly Resources?: ResourceObject | undefined
  readonly Engine?: EngineDescription | undefined
  readonly TLSInfo?: TLSInfo | undefined
}

/** Whether a node is there. */
export interface NodeStatus {
  readonly State?: 'unknown' | 'down' | 'ready' | 'disconnected' | undefined
  readonly Message?: string | undefined
  readonly Addr?: string | undefined
}

/** A node as a manager. */
export interface ManagerStatus {
  readonly Leader?: boolean | undefined
  readonly Reachability?: 'unknown' | 'unreachable' | 'reachable' | undefined
  readonly Addr?: string | undefined
}

/** A member of the swarm. */
export interface Node {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: NodeSpec | undefined
  readonly Description?: NodeDescription | undefined
  readonly Status?: NodeStatus | undefined
  readonly ManagerStatus?: ManagerStatus | undefined
}
