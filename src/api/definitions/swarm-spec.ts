import { boolean, integer, lazy, list, map, object, oneOf, string } from '../schema.js'

/** How tasks are kept. */
export interface OrchestrationConfig {
  /** Ended tasks to keep for each slot; negative for all. */
  readonly TaskHistoryRetentionLimit?: number | undefined
}

/** Schema of {@link OrchestrationConfig}. */
export const orchestrationConfig = lazy(() => object<OrchestrationConfig>({ TaskHistoryRetentionLimit: integer() }))

/** How managers agree. */
export interface RaftConfig {
  readonly SnapshotInterval?: number | undefined
  readonly KeepOldSnapshots?: number | undefined
  readonly LogEntriesForSlowFollowers?: number | undefined
  readonly ElectionTick?: number | undefined
  readonly HeartbeatTick?: number | undefined
}

/** Schema of {@link RaftConfig}. */
export const raftConfig = lazy(() =>
  object<RaftConfig>({
    SnapshotInterval: integer(),
    KeepOldSnapshots: integer(),
    LogEntriesForSlowFollowers: integer(),
    ElectionTick: integer(),
    HeartbeatTick: integer()
  })
)

/** How managers keep in touch with nodes. */
export interface DispatcherConfig {
  /** Nanoseconds. */
  readonly HeartbeatPeriod?: number | undefined
}

/** Schema of {@link DispatcherConfig}. */
export const dispatcherConfig = lazy(() => object<DispatcherConfig>({ HeartbeatPeriod: integer() }))

/** A certificate authority outside. */
export interface ExternalCA {
  readonly Protocol?: 'cfssl' | undefined
  readonly URL?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
  readonly CACert?: string | undefined
}

/** Schema of {@link ExternalCA}. */
export const externalCA = lazy(() =>
  object<ExternalCA>({ Protocol: oneOf('cfssl'), URL: string(), Options: map(string()), CACert: string() })
)

/** The swarm's certificates. */
export interface CAConfig {
  /** Nanoseconds. */
  readonly NodeCertExpiry?: number | undefined
  readonly ExternalCAs?: readonly ExternalCA[] | null | undefined
  readonly SigningCACert?: string | undefined
  readonly SigningCAKey?: string | undefined
  readonly ForceRotate?: number | undefined
}

/** Schema of {@link CAConfig}. */
export const caConfig = lazy(() =>
  object<CAConfig>({
    NodeCertExpiry: integer(),
    ExternalCAs: list(externalCA()),
    SigningCACert: string(),
    SigningCAKey: string(),
    ForceRotate: integer()
  })
)

/** Encryption of what managers store. */
export interface EncryptionConfig {
  readonly AutoLockManagers?: boolean | undefined
}

/** Schema of {@link EncryptionConfig}. */
export const encryptionConfig = lazy(() => object<EncryptionConfig>({ AutoLockManagers: boolean() }))

/** Log driver of tasks that name none. */
export interface TaskDefaultsLogDriver {
  readonly Name?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link TaskDefaultsLogDriver}. */
export const taskDefaultsLogDriver = lazy(() => object<TaskDefaultsLogDriver>({ Name: string(), Options: map(string()) }))

/** What tasks take when they say nothing. */
export interface TaskDefaults {
  readonly LogDriver?: TaskDefaultsLogDriver | undefined
}

/** Schema of {@link TaskDefaults}. */
export const taskDefaults = lazy(() => object<TaskDefaults>({ LogDriver: taskDefaultsLogDriver() }))

/** What can be set on a swarm. */
export interface SwarmSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly Orchestration?: OrchestrationConfig | null | undefined
  readonly Raft?: RaftConfig | undefined
  readonly Dispatcher?: DispatcherConfig | null | undefined
  readonly CAConfig?: CAConfig | null | undefined
  readonly EncryptionConfig?: EncryptionConfig | undefined
  readonly TaskDefaults?: TaskDefaults | undefined
}

/** Schema of {@link SwarmSpec}. */
export const swarmSpec = lazy(() =>
  object<SwarmSpec>({
    Name: string(),
    Labels: map(string()),
    Orchestration: orchestrationConfig(),
    Raft: raftConfig(),
    Dispatcher: dispatcherConfig(),
    CAConfig: caConfig(),
    EncryptionConfig: encryptionConfig(),
    TaskDefaults: taskDefaults()
  })
)
