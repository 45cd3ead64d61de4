import type { Network } from './network.js'
import type { ObjectVersion } from './object-version.js'
import type { EndpointPortConfig } from './service-spec.js'
import type { GenericResource, TaskSpec } from './task-spec.js'

/** The container of a task. */
export interface ContainerStatus {
  readonly ContainerID?: string | undefined
  readonly PID?: number | undefined
  readonly ExitCode?: number | undefined
}

/** Ports of a task. */
export interface PortStatus {
  readonly Ports?: readonly EndpointPortConfig[] | undefined
}

/** The state of a task. */
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

/** A network a task is in. */
export interface NetworkAttachment {
  readonly Network?: Network | undefined
  readonly Addresses?: readonly string[] | undefined
}

/** A task. */
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
  readonly AssignedGenericResources?: readonly GenericResource[] | null | undefined
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
