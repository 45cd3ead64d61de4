import { type Empty, empty, integer, lazy, list, map, number, object, oneOf, string } from '../schema.js'
import { type NetworkAttachmentConfig, networkAttachmentConfig, type TaskSpec, taskSpec } from './task-spec.js'

/** A published port of a service. */
export interface EndpointPortConfig {
  readonly Name?: string | undefined
  readonly Protocol?: 'tcp' | 'udp' | 'sctp' | undefined
  readonly TargetPort?: number | undefined
  readonly PublishedPort?: number | undefined
  readonly PublishMode?: 'ingress' | 'host' | undefined
}

/** Schema of {@link EndpointPortConfig}. */
export const endpointPortConfig = lazy(() =>
  object<EndpointPortConfig>({
    Name: string(),
    Protocol: oneOf('tcp', 'udp', 'sctp'),
    TargetPort: integer(),
    PublishedPort: integer(),
    PublishMode: oneOf('ingress', 'host')
  })
)

/** How a service is reached. */
export interface EndpointSpec {
  readonly Mode?: 'vip' | 'dnsrr' | undefined
  readonly Ports?: readonly EndpointPortConfig[] | null | undefined
}

/** Schema of {@link EndpointSpec}. */
export const endpointSpec = lazy(() => object<EndpointSpec>({ Mode: oneOf('vip', 'dnsrr'), Ports: list(endpointPortConfig()) }))

/** A number of equal tasks. */
export interface ReplicatedService {
  readonly Replicas?: number | undefined
}

/** Schema of {@link ReplicatedService}. */
export const replicatedService = lazy(() => object<ReplicatedService>({ Replicas: integer() }))

/** A number of tasks that run to their end. */
export interface ReplicatedJob {
  readonly MaxConcurrent?: number | undefined
  readonly TotalCompletions?: number | undefined
}

/** Schema of {@link ReplicatedJob}. */
export const replicatedJob = lazy(() => object<ReplicatedJob>({ MaxConcurrent: integer(), TotalCompletions: integer() }))

/** How many tasks there are: one of the four. */
export interface ServiceMode {
  readonly Replicated?: ReplicatedService | undefined
  readonly Global?: Empty | undefined
  readonly ReplicatedJob?: ReplicatedJob | undefined
  readonly GlobalJob?: Empty | undefined
}

/** Schema of {@link ServiceMode}. */
export const serviceMode = lazy(() =>
  object<ServiceMode>({ Replicated: replicatedService(), Global: empty(), ReplicatedJob: replicatedJob(), GlobalJob: empty() })
)

/** How a change is rolled out. */
export interface UpdateConfig {
  readonly Parallelism?: number | undefined
  /** Nanoseconds. */
  readonly Delay?: number | undefined
  readonly FailureAction?: 'continue' | 'pause' | 'rollback' | undefined
  /** Nanoseconds. */
  readonly Monitor?: number | undefined
  /** 0 to 1. */
  readonly MaxFailureRatio?: number | undefined
  readonly Order?: 'stop-first' | 'start-first' | undefined
}

/** Schema of {@link UpdateConfig}. */
export const updateConfig = lazy(() =>
  object<UpdateConfig>({
    Parallelism: integer(),
    Delay: integer(),
    FailureAction: oneOf('continue', 'pause', 'rollback'),
    Monitor: integer(),
    MaxFailureRatio: number(),
    Order: oneOf('stop-first', 'start-first')
  })
)

/** How a change is taken back. */
export interface RollbackConfig {
  readonly Parallelism?: number | undefined
  /** Nanoseconds. */
  readonly Delay?: number | undefined
  readonly FailureAction?: 'continue' | 'pause' | undefined
  /** Nanoseconds. */
  readonly Monitor?: number | undefined
  /** 0 to 1. */
  readonly MaxFailureRatio?: number | undefined
  readonly Order?: 'stop-first' | 'start-first' | undefined
}

/** Schema of {@link RollbackConfig}. */
export const rollbackConfig = lazy(() =>
  object<RollbackConfig>({
    Parallelism: integer(),
    Delay: integer(),
    FailureAction: oneOf('continue', 'pause'),
    Monitor: integer(),
    MaxFailureRatio: number(),
    Order: oneOf('stop-first', 'start-first')
  })
)

/** What a service is to be. */
export interface ServiceSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly TaskTemplate?: TaskSpec | undefined
  readonly Mode?: ServiceMode | undefined
  readonly UpdateConfig?: UpdateConfig | undefined
  readonly RollbackConfig?: RollbackConfig | undefined
  /** In TaskTemplate since API 1.44. */
  readonly Networks?: readonly NetworkAttachmentConfig[] | null | undefined
  readonly EndpointSpec?: EndpointSpec | undefined
}

/** Schema of {@link ServiceSpec}. */
export const serviceSpec = lazy(() =>
  object<ServiceSpec>({
    Name: string(),
    Labels: map(string()),
    TaskTemplate: taskSpec(),
    Mode: serviceMode(),
    UpdateConfig: updateConfig(),
    RollbackConfig: rollbackConfig(),
    Networks: list(networkAttachmentConfig()),
    EndpointSpec: endpointSpec()
  })
)
