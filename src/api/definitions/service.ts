import type { ObjectVersion } from './object-version.js'
import type { EndpointPortConfig, EndpointSpec, ServiceSpec } from './service-spec.js'

/** A service's address in a network. */
export interface ServiceVirtualIP {
  readonly NetworkID?: string | undefined
  readonly Addr?: string | undefined
}

/** How a service is reached, as it turned out. */
export interface ServiceEndpoint {
  readonly Spec?: EndpointSpec | undefined
  readonly Ports?: readonly EndpointPortConfig[] | undefined
  readonly VirtualIPs?: readonly ServiceVirtualIP[] | undefined
}

/** How far a change is. */
export interface ServiceUpdateStatus {
  readonly State?: 'updating' | 'paused' | 'completed' | undefined
  readonly StartedAt?: string | undefined
  readonly CompletedAt?: string | undefined
  readonly Message?: string | undefined
}

/** Tasks, counted; only in lists that ask for it. */
export interface ServiceStatus {
  readonly RunningTasks?: number | undefined
  readonly DesiredTasks?: number | undefined
  readonly CompletedTasks?: number | undefined
}

/** How far a job is. */
export interface ServiceJobStatus {
  readonly JobIteration?: ObjectVersion | undefined
  readonly LastExecution?: string | undefined
}

/** A service. */
export interface Service {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: ServiceSpec | undefined
  readonly Endpoint?: ServiceEndpoint | undefined
  readonly UpdateStatus?: ServiceUpdateStatus | undefined
  readonly ServiceStatus?: ServiceStatus | undefined
  readonly JobStatus?: ServiceJobStatus | undefined
}

/** The service that was made. */
export interface ServiceCreateResponse {
  readonly ID?: string | undefined
  readonly Warnings?: readonly string[] | null | undefined
}

/** What the engine has to say about an update. */
export interface ServiceUpdateResponse {
  readonly Warnings?: readonly string[] | undefined
}
