import { type Empty, empty, integer, lazy, list, map, number, object, oneOf, string } from '../schema.js'
import { type NetworkAttachmentConfig, networkAttachmentConfig, type TaskSpec, taskSpec } from './task-spec.js'

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

export interface EndpointSpec {
  readonly Mode?: 'vip' | 'dnsrr' | undefined
  readonly Ports?: readonly EndpointPortConfig[] | null | undefined
}

/** Schema of {@link EndpointSpec}. */
export const endpointSpec = lazy(() => object<EndpointSpec>({ Mode: oneOf('vip', 'dnsrr'), Ports: list(endpointPortConfig()) }))

export interface ModeReplicated {
  readonly Replicas?: number | undefined
}

/** Schema of {@link ModeReplicated}. */
export const modeReplicated = lazy(() => object<ModeReplicated>({ Replicas: integer() }))

export interface ModeReplicatedJob {
  readonly MaxConcurrent?: number | undefined
  readonly TotalCompletions?: number | undefined
}

/** Schema of {@link ModeReplicatedJob}. */
export const modeReplicatedJob = lazy(() => object<ModeReplicatedJob>({ MaxConcurrent: integer(), TotalCompletions: integer() }))

export interface ServiceSpecMode {
  readonly Replicated?: ModeReplicated | undefined
  readonly Global?: Empty | undefined
  readonly ReplicatedJob?: ModeReplicatedJob | undefined
  readonly GlobalJob?: Empty | undefined
}

/** Schema of {@link ServiceSpecMode}. */
export const serviceSpecMode = lazy(() =>
  object<ServiceSpecMode>({ Replicated: modeReplicated(), Global: empty(), ReplicatedJob: modeReplicatedJob(), GlobalJob: empty() })
)

export interface ServiceSpecUpdateConfig {
  readonly Parallelism?: number | undefined
  readonly Delay?: number | undefined
  readonly FailureAction?: 'continue' | 'pause' | 'rollback' | undefined
  readonly Monitor?: number | undefined
  readonly MaxFailureRatio?: number | undefined
  readonly Order?: 'stop-first' | 'start-first' | undefined
}

/** Schema of {@link ServiceSpecUpdateConfig}. */
export const serviceSpecUpdateConfig = lazy(() =>
  object<ServiceSpecUpdateConfig>({
    Parallelism: integer(),
    Delay: integer(),
    FailureAction: oneOf('continue', 'pause', 'rollback'),
    Monitor: integer(),
    MaxFailureRatio: number(),
    Order: oneOf('stop-first', 'start-first')
  })
)

export interface ServiceSpecRollbackConfig {
  readonly Parallelism?: number | undefined
  readonly Delay?: number | undefined
  readonly FailureAction?: 'continue' | 'pause' | undefined
  readonly Monitor?: number | undefined
  readonly MaxFailureRatio?: number | undefined
  readonly Order?: 'stop-first' | 'start-first' | undefined
}

/** Schema of {@link ServiceSpecRollbackConfig}. */
export const serviceSpecRollbackConfig = lazy(() =>
  object<ServiceSpecRollbackConfig>({
    Parallelism: integer(),
    Delay: integer(),
    FailureAction: oneOf('continue', 'pause'),
    Monitor: integer(),
    MaxFailureRatio: number(),
    Order: oneOf('stop-first', 'start-first')
  })
)

export interface ServiceSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly TaskTemplate?: TaskSpec | undefined
  readonly Mode?: ServiceSpecMode | undefined
  readonly UpdateConfig?: ServiceSpecUpdateConfig | undefined
  readonly RollbackConfig?: ServiceSpecRollbackConfig | undefined
  readonly Networks?: readonly NetworkAttachmentConfig[] | null | undefined
  readonly EndpointSpec?: EndpointSpec | undefined
}

/** Schema of {@link ServiceSpec}. */
export const serviceSpec = lazy(() =>
  object<ServiceSpec>({
    Name: string(),
    Labels: map(string()),
    TaskTemplate: taskSpec(),
    Mode: serviceSpecMode(),
    UpdateConfig: serviceSpecUpdateConfig(),
    RollbackConfig: serviceSpecRollbackConfig(),
    Networks: list(networkAttachmentConfig()),
    EndpointSpec: endpointSpec()
  })
)
