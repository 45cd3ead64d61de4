import { boolean, type Empty, empty, integer, lazy, list, map, object, oneOf, string } from '../schema.js'
import { type HealthConfig, healthConfig } from './container-config.js'
import { type Mount, mount } from './mount.js'
import { type PluginPrivilege, pluginPrivilege } from './plugin-privilege.js'

export interface Platform {
  readonly Architecture?: string | undefined
  readonly OS?: string | undefined
}

/** Schema of {@link Platform}. */
export const platform = lazy(() => object<Platform>({ Architecture: string(), OS: string() }))

export interface Limit {
  readonly NanoCPUs?: number | undefined
  readonly MemoryBytes?: number | undefined
  readonly Pids?: number | undefined
}

/** Schema of {@link Limit}. */
export const limit = lazy(() => object<Limit>({ NanoCPUs: integer(), MemoryBytes: integer(), Pids: integer() }))

export interface GenericResourcesNamedResourceSpec {
  readonly Kind?: string | undefined
  readonly Value?: string | undefined
}

/** Schema of {@link GenericResourcesNamedResourceSpec}. */
export const genericResourcesNamedResourceSpec = lazy(() => object<GenericResourcesNamedResourceSpec>({ Kind: string(), Value: string() }))

export interface GenericResourcesDiscreteResourceSpec {
  readonly Kind?: string | undefined
  readonly Value?: number | undefined
}

/** Schema of {@link GenericResourcesDiscreteResourceSpec}. */
export const genericResourcesDiscreteResourceSpec = lazy(() =>
  object<GenericResourcesDiscreteResourceSpec>({ Kind: string(), Value: integer() })
)

export interface GenericResources {
  readonly NamedResourceSpec?: GenericResourcesNamedResourceSpec | undefined
  readonly DiscreteResourceSpec?: GenericResourcesDiscreteResourceSpec | undefined
}

/** Schema of {@link GenericResources}. */
export const genericResources = lazy(() =>
  object<GenericResources>({
    NamedResourceSpec: genericResourcesNamedResourceSpec(),
    DiscreteResourceSpec: genericResourcesDiscreteResourceSpec()
  })
)

export interface ResourceObject {
  readonly NanoCPUs?: number | undefined
  readonly MemoryBytes?: number | undefined
  readonly GenericResources?: readonly GenericResources[] | null | undefined
}

/** Schema of {@link ResourceObject}. */
export const resourceObject = lazy(() =>
  object<ResourceObject>({ NanoCPUs: integer(), MemoryBytes: integer(), GenericResources: list(genericResources()) })
)

export interface NetworkAttachmentConfig {
  readonly Target?: string | undefined
  readonly Aliases?: readonly string[] | null | undefined
  readonly DriverOpts?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link NetworkAttachmentConfig}. */
export const networkAttachmentConfig = lazy(() =>
  object<NetworkAttachmentConfig>({ Target: string(), Aliases: list(string()), DriverOpts: map(string()) })
)

export interface TaskSpecPluginSpec {
  readonly Name?: string | undefined
  readonly Remote?: string | undefined
  readonly Disabled?: boolean | undefined
  readonly PluginPrivilege?: readonly PluginPrivilege[] | null | undefined
}

/** Schema of {@link TaskSpecPluginSpec}. */
export const taskSpecPluginSpec = lazy(() =>
  object<TaskSpecPluginSpec>({ Name: string(), Remote: string(), Disabled: boolean(), PluginPrivilege: list(pluginPrivilege()) })
)

export interface PrivilegesCredentialSpec {
  readonly Config?: string | undefined
  readonly File?: string | undefined
  readonly Registry?: string | undefined
}

/** Schema of {@link PrivilegesCredentialSpec}. */
export const privilegesCredentialSpec = lazy(() =>
  object<PrivilegesCredentialSpec>({ Config: string(), File: string(), Registry: string() })
)

export interface PrivilegesSELinuxContext {
  readonly Disable?: boolean | undefined
  readonly User?: string | undefined
  readonly Role?: string | undefined
  readonly Type?: string | undefined
  readonly Level?: string | undefined
}

/** Schema of {@link PrivilegesSELinuxContext}. */
export const privilegesSELinuxContext = lazy(() =>
  object<PrivilegesSELinuxContext>({ Disable: boolean(), User: string(), Role: string(), Type: string(), Level: string() })
)

export interface PrivilegesSeccomp {
  readonly Mode?: 'default' | 'unconfined' | 'custom' | undefined
  readonly Profile?: string | undefined
}

/** Schema of {@link PrivilegesSeccomp}. */
export const privilegesSeccomp = lazy(() =>
  object<PrivilegesSeccomp>({ Mode: oneOf('default', 'unconfined', 'custom'), Profile: string() })
)

export interface PrivilegesAppArmor {
  readonly Mode?: 'default' | 'disabled' | undefined
}

/** Schema of {@link PrivilegesAppArmor}. */
export const privilegesAppArmor = lazy(() => object<PrivilegesAppArmor>({ Mode: oneOf('default', 'disabled') }))

export interface ContainerSpecPrivileges {
  readonly CredentialSpec?: PrivilegesCredentialSpec | undefined
  readonly SELinuxContext?: PrivilegesSELinuxContext | undefined
  readonly Seccomp?: PrivilegesSeccomp | undefined
  readonly AppArmor?: PrivilegesAppArmor | undefined
  readonly NoNewPrivileges?: boolean | undefined
}

/** Schema of {@link ContainerSpecPrivileges}. */
export const containerSpecPrivileges = lazy(() =>
  object<ContainerSpecPrivileges>({
    CredentialSpec: privilegesCredentialSpec(),
    SELinuxContext: privilegesSELinuxContext(),
    Seccomp: privilegesSeccomp(),
    AppArmor: privilegesAppArmor(),
    NoNewPrivileges: boolean()
  })
)

export interface ContainerSpecDNSConfig {
  readonly Nameservers?: readonly string[] | null | undefined
  readonly Search?: readonly string[] | null | undefined
  readonly Options?: readonly string[] | null | undefined
}

/** Schema of {@link ContainerSpecDNSConfig}. */
export const containerSpecDNSConfig = lazy(() =>
  object<ContainerSpecDNSConfig>({ Nameservers: list(string()), Search: list(string()), Options: list(string()) })
)

export interface SecretsFile {
  readonly Name?: string | undefined
  readonly UID?: string | undefined
  readonly GID?: string | undefined
  readonly Mode?: number | undefined
}

/** Schema of {@link SecretsFile}. */
export const secretsFile = lazy(() => object<SecretsFile>({ Name: string(), UID: string(), GID: string(), Mode: integer() }))

export interface ContainerSpecSecrets {
  readonly File?: SecretsFile | undefined
  readonly SecretID?: string | undefined
  readonly SecretName?: string | undefined
}

/** Schema of {@link ContainerSpecSecrets}. */
export const containerSpecSecrets = lazy(() =>
  object<ContainerSpecSecrets>({ File: secretsFile(), SecretID: string(), SecretName: string() })
)

export interface ConfigsFile {
  readonly Name?: string | undefined
  readonly UID?: string | undefined
  readonly GID?: string | undefined
  readonly Mode?: number | undefined
}

/** Schema of {@link ConfigsFile}. */
export const configsFile = lazy(() => object<ConfigsFile>({ Name: string(), UID: string(), GID: string(), Mode: integer() }))

export interface ContainerSpecConfigs {
  readonly File?: ConfigsFile | undefined
  readonly Runtime?: Empty | undefined
  readonly ConfigID?: string | undefined
  readonly ConfigName?: string | undefined
}

/** Schema of {@link ContainerSpecConfigs}. */
export const containerSpecConfigs = lazy(() =>
  object<ContainerSpecConfigs>({ File: configsFile(), Runtime: empty(), ConfigID: string(), ConfigName: string() })
)

export interface ContainerSpecUlimits {
  readonly Name?: string | undefined
  readonly Soft?: number | undefined
  readonly Hard?: number | undefined
}

/** Schema of {@link ContainerSpecUlimits}. */
export const containerSpecUlimits = lazy(() => object<ContainerSpecUlimits>({ Name: string(), Soft: integer(), Hard: integer() }))

export interface TaskSpecContainerSpec {
  readonly Image?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly Command?: readonly string[] | null | undefined
  readonly Args?: readonly string[] | null | undefined
  readonly Hostname?: string | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly Dir?: string | undefined
  readonly User?: string | undefined
  readonly Groups?: readonly string[] | null | undefined
  readonly Privileges?: ContainerSpecPrivileges | undefined
  readonly TTY?: boolean | undefined
  readonly OpenStdin?: boolean | undefined
  readonly ReadOnly?: boolean | undefined
  readonly Mounts?: readonly Mount[] | null | undefined
  readonly StopSignal?: string | undefined
  readonly StopGracePeriod?: number | undefined
  readonly HealthCheck?: HealthConfig | undefined
  readonly Hosts?: readonly string[] | null | undefined
  readonly DNSConfig?: ContainerSpecDNSConfig | undefined
  readonly Secrets?: readonly ContainerSpecSecrets[] | null | undefined
  readonly OomScoreAdj?: number | undefined
  readonly Configs?: readonly ContainerSpecConfigs[] | null | undefined
  readonly Isolation?: 'default' | 'process' | 'hyperv' | '' | undefined
  readonly Init?: boolean | null | undefined
  readonly Sysctls?: Readonly<Record<string, string>> | null | undefined
  readonly CapabilityAdd?: readonly string[] | null | undefined
  readonly CapabilityDrop?: readonly string[] | null | undefined
  readonly Ulimits?: readonly ContainerSpecUlimits[] | null | undefined
}

/** Schema of {@link TaskSpecContainerSpec}. */
export const taskSpecContainerSpec = lazy(() =>
  object<TaskSpecContainerSpec>({
    Image: string(),
    Labels: map(string()),
    Command: list(string()),
    Args: list(string()),
    Hostname: string(),
    Env: list(string()),
    Dir: string(),
    User: string(),
    Groups: list(string()),
    Privileges: containerSpecPrivileges(),
    TTY: boolean(),
    OpenStdin: boolean(),
    ReadOnly: boolean(),
    Mounts: list(mount()),
    StopSignal: string(),
    StopGracePeriod: integer(),
    HealthCheck: healthConfig(),
    Hosts: list(string()),
    DNSConfig: containerSpecDNSConfig(),
    Secrets: list(containerSpecSecrets()),
    OomScoreAdj: integer(),
    Configs: list(containerSpecConfigs()),
    Isolation: oneOf('default', 'process', 'hyperv', ''),
    Init: boolean(),
    Sysctls: map(string()),
    CapabilityAdd: list(string()),
    CapabilityDrop: list(string()),
    Ulimits: list(containerSpecUlimits())
  })
)

export interface TaskSpecNetworkAttachmentSpec {
  readonly ContainerID?: string | undefined
}

/** Schema of {@link TaskSpecNetworkAttachmentSpec}. */
export const taskSpecNetworkAttachmentSpec = lazy(() => object<TaskSpecNetworkAttachmentSpec>({ ContainerID: string() }))

export interface TaskSpecResources {
  readonly Limits?: Limit | undefined
  readonly Reservations?: ResourceObject | undefined
  readonly SwapBytes?: number | null | undefined
  readonly MemorySwappiness?: number | null | undefined
}

/** Schema of {@link TaskSpecResources}. */
export const taskSpecResources = lazy(() =>
  object<TaskSpecResources>({ Limits: limit(), Reservations: resourceObject(), SwapBytes: integer(), MemorySwappiness: integer() })
)

export interface TaskSpecRestartPolicy {
  readonly Condition?: 'none' | 'on-failure' | 'any' | undefined
  readonly Delay?: number | undefined
  readonly MaxAttempts?: number | undefined
  readonly Window?: number | undefined
}

/** Schema of {@link TaskSpecRestartPolicy}. */
export const taskSpecRestartPolicy = lazy(() =>
  object<TaskSpecRestartPolicy>({
    Condition: oneOf('none', 'on-failure', 'any'),
    Delay: integer(),
    MaxAttempts: integer(),
    Window: integer()
  })
)

export interface PreferencesSpread {
  readonly SpreadDescriptor?: string | undefined
}

/** Schema of {@link PreferencesSpread}. */
export const preferencesSpread = lazy(() => object<PreferencesSpread>({ SpreadDescriptor: string() }))

export interface PlacementPreferences {
  readonly Spread?: PreferencesSpread | undefined
}

/** Schema of {@link PlacementPreferences}. */
export const placementPreferences = lazy(() => object<PlacementPreferences>({ Spread: preferencesSpread() }))

export interface TaskSpecPlacement {
  readonly Constraints?: readonly string[] | null | undefined
  readonly Preferences?: readonly PlacementPreferences[] | null | undefined
  readonly MaxReplicas?: number | undefined
  readonly Platforms?: readonly Platform[] | null | undefined
}

/** Schema of {@link TaskSpecPlacement}. */
export const taskSpecPlacement = lazy(() =>
  object<TaskSpecPlacement>({
    Constraints: list(string()),
    Preferences: list(placementPreferences()),
    MaxReplicas: integer(),
    Platforms: list(platform())
  })
)

export interface TaskSpecLogDriver {
  readonly Name?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link TaskSpecLogDriver}. */
export const taskSpecLogDriver = lazy(() => object<TaskSpecLogDriver>({ Name: string(), Options: map(string()) }))

export interface TaskSpec {
  readonly PluginSpec?: TaskSpecPluginSpec | undefined
  readonly ContainerSpec?: TaskSpecContainerSpec | undefined
  readonly NetworkAttachmentSpec?: TaskSpecNetworkAttachmentSpec | undefined
  readonly Resources?: TaskSpecResources | undefined
  readonly RestartPolicy?: TaskSpecRestartPolicy | undefined
  readonly Placement?: TaskSpecPlacement | undefined
  readonly ForceUpdate?: number | undefined
  readonly Runtime?: string | undefined
  readonly Networks?: readonly NetworkAttachmentConfig[] | null | undefined
  readonly LogDriver?: TaskSpecLogDriver | undefined
}

/** Schema of {@link TaskSpec}. */
export const taskSpec = lazy(() =>
  object<TaskSpec>({
    PluginSpec: taskSpecPluginSpec(),
    ContainerSpec: taskSpecContainerSpec(),
    NetworkAttachmentSpec: taskSpecNetworkAttachmentSpec(),
    Resources: taskSpecResources(),
    RestartPolicy: taskSpecRestartPolicy(),
    Placement: taskSpecPlacement(),
    ForceUpdate: integer(),
    Runtime: string(),
    Networks: list(networkAttachmentConfig()),
    LogDriver: taskSpecLogDriver()
  })
)
