import type { ObjectVersion } from './object-version.js'
import type { EndpointPortConfig, EndpointSpec, ServiceSpec } from './service-spec.js'

export interface EndpointVirtualIPs {
  readonly NetworkID?: string | undefined
  readonly Addr?: string | undefined
}

export interface ServiceEndpoint {
  readonly Spec?: EndpointSpec | undefined
  readonly Ports?: readonly EndpointPortConfig[] | undefined
  readonly VirtualIPs?: readonly EndpointVirtualIPs[] | undefined
}

export interface ServiceUpdateStatus {
  readonly State?: 'updating' | 'paused' | 'completed' | undefined
  readonly StartedAt?: string | undefined
  readonly CompletedAt?: string | undefined
  readonly Message?: string | undefined
}

export interface ServiceServiceStatus {
  readonly RunningTasks?: number | undefined
  readonly DesiredTasks?: number | undefined
  readonly CompletedTasks?: number | undefined
}

export interface ServiceJobStatus {
  readonly JobIteration?: ObjectVersion | undefined
  readonly LastExecution?: string | undefined
}

export interface Service {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: ServiceSpec | undefined
  readonly Endpoint?: ServiceEndpoint | undefined
  readonly UpdateStatus?: ServiceUpdateStatus | undefined
  readonly ServiceStatus?: ServiceServiceStatus | undefined
  readonly JobStatus?: ServiceJobStatus | undefined
}

export interface ServiceCreateResponse {
  readonly ID?: string | undefined
  readonly Warnings?: readonly string[] | null | undefined
}

export interface ServiceUpdateResponse {
  readonly Warnings?: readonly string[] | undefined
}
