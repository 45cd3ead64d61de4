import { boolean, integer, lazy, list, map, object, oneOf, string } from '../schema.js'

export interface SwarmSpecOrchestration {
  readonly TaskHistoryRetentionLimit?: number | undefined
}

/** Schema of {@link SwarmSpecOrchestration}. */
export const swarmSpecOrchestration = lazy(() => object<SwarmSpecOrchestration>({ TaskHistoryRetentionLimit: integer() }))

export interface SwarmSpecRaft {
  readonly SnapshotInterval?: number | undefined
  readonly KeepOldSnapshots?: number | undefined
  readonly LogEntriesForSlowFollowers?: number | undefined
  readonly ElectionTick?: number | undefined
  readonly HeartbeatTick?: number | undefined
}

/** Schema of {@link SwarmSpecRaft}. */
export const swarmSpecRaft = lazy(() =>
  object<SwarmSpecRaft>({
    SnapshotInterval: integer(),
    KeepOldSnapshots: integer(),
    LogEntriesForSlowFollowers: integer(),
    ElectionTick: integer(),
    HeartbeatTick: integer()
  })
)

export interface SwarmSpecDispatcher {
  readonly HeartbeatPeriod?: number | undefined
}

/** Schema of {@link SwarmSpecDispatcher}. */
export const swarmSpecDispatcher = lazy(() => object<SwarmSpecDispatcher>({ HeartbeatPeriod: integer() }))

export interface CAConfigExternalCAs {
  readonly Protocol?: 'cfssl' | undefined
  readonly URL?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
  readonly CACert?: string | undefined
}

/** Schema of {@link CAConfigExternalCAs}. */
export const caConfigExternalCAs = lazy(() =>
  object<CAConfigExternalCAs>({ Protocol: oneOf('cfssl'), URL: string(), Options: map(string()), CACert: string() })
)

export interface SwarmSpecCAConfig {
  readonly NodeCertExpiry?: number | undefined
  readonly ExternalCAs?: readonly CAConfigExternalCAs[] | null | undefined
  readonly SigningCACert?: string | undefined
  readonly SigningCAKey?: string | undefined
  readonly ForceRotate?: number | undefined
}

/** Schema of {@link SwarmSpecCAConfig}. */
export const swarmSpecCAConfig = lazy(() =>
  object<SwarmSpecCAConfig>({
    NodeCertExpiry: integer(),
    ExternalCAs: list(caConfigExternalCAs()),
    SigningCACert: string(),
    SigningCAKey: string(),
    ForceRotate: integer()
  })
)

export interface SwarmSpecEncryptionConfig {
  readonly AutoLockManagers?: boolean | undefined
}

/** Schema of {@link SwarmSpecEncryptionConfig}. */
export const swarmSpecEncryptionConfig = lazy(() => object<SwarmSpecEncryptionConfig>({ AutoLockManagers: boolean() }))

export interface TaskDefaultsLogDriver {
  readonly Name?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link TaskDefaultsLogDriver}. */
export const taskDefaultsLogDriver = lazy(() => object<TaskDefaultsLogDriver>({ Name: string(), Options: map(string()) }))

export interface SwarmSpecTaskDefaults {
  readonly LogDriver?: TaskDefaultsLogDriver | undefined
}

/** Schema of {@link SwarmSpecTaskDefaults}. */
export const swarmSpecTaskDefaults = lazy(() => object<SwarmSpecTaskDefaults>({ LogDriver: taskDefaultsLogDriver() }))

export interface SwarmSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly Orchestration?: SwarmSpecOrchestration | null | undefined
  readonly Raft?: SwarmSpecRaft | undefined
  readonly Dispatcher?: SwarmSpecDispatcher | null | undefined
  readonly CAConfig?: SwarmSpecCAConfig | null | undefined
  readonly EncryptionConfig?: SwarmSpecEncryptionConfig | undefined
  readonly TaskDefaults?: SwarmSpecTaskDefaults | undefined
}

/** Schema of {@link SwarmSpec}. */
export const swarmSpec = lazy(() =>
  object<SwarmSpec>({
    Name: string(),
    Labels: map(string()),
    Orchestration: swarmSpecOrchestration(),
    Raft: swarmSpecRaft(),
    Dispatcher: swarmSpecDispatcher(),
    CAConfig: swarmSpecCAConfig(),
    EncryptionConfig: swarmSpecEncryptionConfig(),
    TaskDefaults: swarmSpecTaskDefaults()
  })
)
