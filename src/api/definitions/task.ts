import type { Network } from './network.js'
import type { ObjectVersion } from './object-version.js'
import type { EndpointPortConfig } from './service-spec.js'
import type { TaskSpec } from './task-spec.js'

export interface ContainerStatus {
  readonly ContainerID?: string | undefined
  readonly PID?: number | undefined
  readonly ExitCode?: number | undefined
}

export interface PortStatus {
  readonly Ports?: readonly EndpointPortConfig[] | undefined
}

export interface TaskStatus {
  readonly Timestamp?: string | undefined
  readonly State?:
    | 'new'
    | 'allocated'
    | 'pending'
    | 'assigned'
    | 'accepted'
    | 'preparing'
    | 'ready'
    | 'starting'
    | 'running'
    | 'complete'
    | 'shutdown'
    | 'failed'
    | 'rejected'
    | 'remove'
    | 'orphaned'
    | undefined
  readonly Message?: string | undefined
  readonly Err?: string | undefined
  readonly ContainerStatus?: ContainerStatus | undefined
  readonly PortStatus?: PortStatus | undefined
}

export interface NetworkAttachment {
  readonly Network?: Network | undefined
  readonly Addresses?: readonly string[] | undefined
}

export interface GenericResourcesNamedResourceSpec {
  readonly Kind?: string | undefined
  readonly Value?: string | undefined
}

export interface GenericResourcesDiscreteResourceSpec {
  readonly Kind?: string | undefined
  readonly Value?: number | undefined
}

export interface GenericResources {
  readonly NamedResourceSpec?: GenericResourcesNamedResourceSpec | undefined
  readonly DiscreteResourceSpec?: GenericResourcesDiscreteResourceSpec | undefined
}

export interface Task {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | undefined
  readonly Spec?: TaskSpec | undefined
  readonly ServiceID?: string | undefined
  readonly Slot?: number | undefined
  readonly NodeID?: string | undefined
  readonly AssignedGenericResources?: readonly GenericResources[] | undefined
  readonly Status?: TaskStatus | undefined
  readonly DesiredState?:
    | 'new'
    | 'allocated'
    | 'pending'
    | 'assigned'
    | 'accepted'
    | 'preparing'
    | 'ready'
    | 'starting'
    | 'running'
    | 'complete'
    | 'shutdown'
    | 'failed'
    | 'rejected'
    | 'remove'
    | 'orphaned'
    | undefined
  readonly JobIteration?: ObjectVersion | undefined
  readonly NetworksAttachments?: readonly NetworkAttachment[] | undefined
}
