import { boolean, type Empty, empty, integer, lazy, list, map, object, oneOf, string } from '../schema.js'
import { type HealthConfig, healthConfig } from './container-config.js'
import { type Mount, mount } from './mount.js'
import { type PluginPrivilege, pluginPrivilege } from './plugin-privilege.js'
import { type Ulimit, ulimit } from './resources.js'

/** What a task can run on. */
export interface Platform {
  readonly Architecture?: string | undefined
  readonly OS?: string | undefined
}

/** Schema of {@link Platform}. */
export const platform = lazy(() => object<Platform>({ Architecture: string(), OS: string() }))

/** The most a task may use. */
export interface Limit {
  readonly NanoCPUs?: number | undefined
  readonly MemoryBytes?: number | undefined
  readonly Pids?: number | undefined
}

/** Schema of {@link Limit}. */
export const limit = lazy(() => object<Limit>({ NanoCPUs: integer(), MemoryBytes: integer(), Pids: integer() }))

/** A resource by name, such as one GPU. */
export interface NamedResource {
  readonly Kind?: string | undefined
  readonly Value?: string | undefined
}

/** Schema of {@link NamedResource}. */
export const namedResource = lazy(() => object<NamedResource>({ Kind: string(), Value: string() }))

/** A number of equal resources. */
export interface DiscreteResource {
  readonly Kind?: string | undefined
  readonly Value?: number | undefined
}

/** Schema of {@link DiscreteResource}. */
export const discreteResource = lazy(() => object<DiscreteResource>({ Kind: string(), Value: integer() }))

/** A user-defined resource: one of the two. */
export interface GenericResource {
  readonly NamedResourceSpec?: NamedResource | undefined
  readonly DiscreteResourceSpec?: DiscreteResource | undefined
}

/** Schema of {@link GenericResource}. */
export const genericResource = lazy(() =>
  object<GenericResource>({ NamedResourceSpec: namedResource(), DiscreteResourceSpec: discreteResource() })
)

/** What a task needs, or a node has. */
export interface ResourceObject {
  readonly NanoCPUs?: number | undefined
  readonly MemoryBytes?: number | undefined
  readonly GenericResources?: readonly GenericResource[] | null | undefined
}

/** Schema of {@link ResourceObject}. */
export const resourceObject = lazy(() =>
  object<ResourceObject>({ NanoCPUs: integer(), MemoryBytes: integer(), GenericResources: list(genericResource()) })
)

/** A network a task joins. */
export interface NetworkAttachmentConfig {
  readonly Target?: string | undefined
  readonly Aliases?: readonly string[] | null | undefined
  readonly DriverOpts?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link NetworkAttachmentConfig}. */
export const networkAttachmentConfig = lazy(() =>
  object<NetworkAttachmentConfig>({ Target: string(), Aliases: list(string()), DriverOpts: map(string()) })
)

/** A plugin as a task. Experimental. */
export interface PluginSpec {
  readonly Name?: string | undefined
  readonly Remote?: string | undefined
  readonly Disabled?: boolean | undefined
  readonly PluginPrivilege?: readonly PluginPrivilege[] | null | undefined
}

/** Schema of {@link PluginSpec}. */
export const pluginSpec = lazy(() =>
  object<PluginSpec>({ Name: string(), Remote: string(), Disabled: boolean(), PluginPrivilege: list(pluginPrivilege()) })
)

/** Windows only: a managed service account. */
export interface CredentialSpec {
  readonly Config?: string | undefined
  readonly File?: string | undefined
  readonly Registry?: string | undefined
}

/** Schema of {@link CredentialSpec}. */
export const credentialSpec = lazy(() => object<CredentialSpec>({ Config: string(), File: string(), Registry: string() }))

/** SELinux labels. */
export interface SELinuxContext {
  readonly Disable?: boolean | undefined
  readonly User?: string | undefined
  readonly Role?: string | undefined
  readonly Type?: string | undefined
  readonly Level?: string | undefined
}

/** Schema of {@link SELinuxContext}. */
export const seLinuxContext = lazy(() =>
  object<SELinuxContext>({ Disable: boolean(), User: string(), Role: string(), Type: string(), Level: string() })
)

/** System call filter. */
export interface SeccompOptions {
  readonly Mode?: 'default' | 'unconfined' | 'custom' | undefined
  readonly Profile?: string | undefined
}

/** Schema of {@link SeccompOptions}. */
export const seccompOptions = lazy(() => object<SeccompOptions>({ Mode: oneOf('default', 'unconfined', 'custom'), Profile: string() }))

/** AppArmor profile. */
export interface AppArmorOptions {
  readonly Mode?: 'default' | 'disabled' | undefined
}

/** Schema of {@link AppArmorOptions}. */
export const appArmorOptions = lazy(() => object<AppArmorOptions>({ Mode: oneOf('default', 'disabled') }))

/** Security options of a task. */
export interface Privileges {
  readonly CredentialSpec?: CredentialSpec | undefined
  readonly SELinuxContext?: SELinuxContext | undefined
  readonly Seccomp?: SeccompOptions | undefined
  readonly AppArmor?: AppArmorOptions | undefined
  readonly NoNewPrivileges?: boolean | undefined
}

/** Schema of {@link Privileges}. */
export const privileges = lazy(() =>
  object<Privileges>({
    CredentialSpec: credentialSpec(),
    SELinuxContext: seLinuxContext(),
    Seccomp: seccompOptions(),
    AppArmor: appArmorOptions(),
    NoNewPrivileges: boolean()
  })
)

/** What stands in resolv.conf. */
export interface DNSConfig {
  readonly Nameservers?: readonly string[] | null | undefined
  readonly Search?: readonly string[] | null | undefined
  readonly Options?: readonly string[] | null | undefined
}

/** Schema of {@link DNSConfig}. */
export const dnsConfig = lazy(() => object<DNSConfig>({ Nameservers: list(string()), Search: list(string()), Options: list(string()) }))

/** The file a secret becomes. */
export interface SecretFileTarget {
  readonly Name?: string | undefined
  readonly UID?: string | undefined
  readonly GID?: string | undefined
  readonly Mode?: number | undefined
}

/** Schema of {@link SecretFileTarget}. */
export const secretFileTarget = lazy(() => object<SecretFileTarget>({ Name: string(), UID: string(), GID: string(), Mode: integer() }))

/** A secret that a task gets. */
export interface SecretReference {
  readonly File?: SecretFileTarget | undefined
  readonly SecretID?: string | undefined
  readonly SecretName?: string | undefined
}

/** Schema of {@link SecretReference}. */
export const secretReference = lazy(() => object<SecretReference>({ File: secretFileTarget(), SecretID: string(), SecretName: string() }))

/** The file a config becomes. */
export interface ConfigFileTarget {
  readonly Name?: string | undefined
  readonly UID?: string | undefined
  readonly GID?: string | undefined
  readonly Mode?: number | undefined
}

/** Schema of {@link ConfigFileTarget}. */
export const configFileTarget = lazy(() => object<ConfigFileTarget>({ Name: string(), UID: string(), GID: string(), Mode: integer() }))

/** A config that a task gets. */
export interface ConfigFileReference {
  readonly File?: ConfigFileTarget | undefined
  readonly Runtime?: Empty | undefined
  readonly ConfigID?: string | undefined
  readonly ConfigName?: string | undefined
}

/** Schema of {@link ConfigFileReference}. */
export const configFileReference = lazy(() =>
  object<ConfigFileReference>({ File: configFileTarget(), Runtime: empty(), ConfigID: string(), ConfigName: string() })
)

/** The container of a task. */
export interface ContainerSpec {
  readonly Image?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  /** Replaces the image's entrypoint. */
  readonly Command?: readonly string[] | null | undefined
  readonly Args?: readonly string[] | null | undefined
  readonly Hostname?: string | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly Dir?: string | undefined
  readonly User?: string | undefined
  readonly Groups?: readonly string[] | null | undefined
  readonly Privileges?: Privileges | undefined
  readonly TTY?: boolean | undefined
  readonly OpenStdin?: boolean | undefined
  readonly ReadOnly?: boolean | undefined
  readonly Mounts?: readonly Mount[] | null | undefined
  readonly StopSignal?: string | undefined
  /** Nanoseconds. */
  readonly StopGracePeriod?: number | undefined
  readonly HealthCheck?: HealthConfig | undefined
  readonly Hosts?: readonly string[] | null | undefined
  readonly DNSConfig?: DNSConfig | undefined
  readonly Secrets?: readonly SecretReference[] | null | undefined
  readonly OomScoreAdj?: number | undefined
  readonly Configs?: readonly ConfigFileReference[] | null | undefined
  readonly Isolation?: 'default' | 'process' | 'hyperv' | '' | undefined
  readonly Init?: boolean | null | undefined
  readonly Sysctls?: Readonly<Record<string, string>> | null | undefined
  readonly CapabilityAdd?: readonly string[] | null | undefined
  readonly CapabilityDrop?: readonly string[] | null | undefined
  readonly Ulimits?: readonly Ulimit[] | null | undefined
}

/** Schema of {@link ContainerSpec}. */
export const containerSpec = lazy(() =>
  object<ContainerSpec>({
    Image: string(),
    Labels: map(string()),
    Command: list(string()),
    Args: list(string()),
    Hostname: string(),
    Env: list(string()),
    Dir: string(),
    User: string(),
    Groups: list(string()),
    Privileges: privileges(),
    TTY: boolean(),
    OpenStdin: boolean(),
    ReadOnly: boolean(),
    Mounts: list(mount()),
    StopSignal: string(),
    StopGracePeriod: integer(),
    HealthCheck: healthConfig(),
    Hosts: list(string()),
    DNSConfig: dnsConfig(),
    Secrets: list(secretReference()),
    OomScoreAdj: integer(),
    Configs: list(configFileReference()),
    Isolation: oneOf('default', 'process', 'hyperv', ''),
    Init: boolean(),
    Sysctls: map(string()),
    CapabilityAdd: list(string()),
    CapabilityDrop: list(string()),
    Ulimits: list(ulimit())
  })
)

/** A container outside of the swarm on an overlay network. */
export interface NetworkAttachmentSpec {
  readonly ContainerID?: string | undefined
}

/** Schema of {@link NetworkAttachmentSpec}. */
export const networkAttachmentSpec = lazy(() => object<NetworkAttachmentSpec>({ ContainerID: string() }))

/** What a task needs, and the most it may use. */
export interface TaskResources {
  readonly Limits?: Limit | undefined
  readonly Reservations?: ResourceObject | undefined
  /** -1 for no limit. Since API 1.52. */
  readonly SwapBytes?: number | null | undefined
  /** 0 to 100. Since API 1.52. */
  readonly MemorySwappiness?: number | null | undefined
}

/** Schema of {@link TaskResources}. */
export const taskResources = lazy(() =>
  object<TaskResources>({ Limits: limit(), Reservations: resourceObject(), SwapBytes: integer(), MemorySwappiness: integer() })
)

/** What happens when a task ends. */
export interface TaskRestartPolicy {
  readonly Condition?: 'none' | 'on-failure' | 'any' | undefined
  /** Nanoseconds. */
  readonly Delay?: number | undefined
  readonly MaxAttempts?: number | undefined
  /** Nanoseconds. */
  readonly Window?: number | undefined
}

/** Schema of {@link TaskRestartPolicy}. */
export const taskRestartPolicy = lazy(() =>
  object<TaskRestartPolicy>({ Condition: oneOf('none', 'on-failure', 'any'), Delay: integer(), MaxAttempts: integer(), Window: integer() })
)

/** Spread over the values of a label. */
export interface SpreadPreference {
  readonly SpreadDescriptor?: string | undefined
}

/** Schema of {@link SpreadPreference}. */
export const spreadPreference = lazy(() => object<SpreadPreference>({ SpreadDescriptor: string() }))

/** A wish about where tasks run. */
export interface PlacementPreference {
  readonly Spread?: SpreadPreference | undefined
}

/** Schema of {@link PlacementPreference}. */
export const placementPreference = lazy(() => object<PlacementPreference>({ Spread: spreadPreference() }))

/** Where tasks may run. */
export interface Placement {
  /** Such as `node.role==manager`. */
  readonly Constraints?: readonly string[] | null | undefined
  readonly Preferences?: readonly PlacementPreference[] | null | undefined
  readonly MaxReplicas?: number | undefined
  readonly Platforms?: readonly Platform[] | null | undefined
}

/** Schema of {@link Placement}. */
export const placement = lazy(() =>
  object<Placement>({
    Constraints: list(string()),
    Preferences: list(placementPreference()),
    MaxReplicas: integer(),
    Platforms: list(platform())
  })
)

/** Where the output of tasks goes. */
export interface TaskLogDriver {
  readonly Name?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link TaskLogDriver}. */
export const taskLogDriver = lazy(() => object<TaskLogDriver>({ Name: string(), Options: map(string()) }))

/** What a task runs: one of the three specs. */
export interface TaskSpec {
  readonly PluginSpec?: PluginSpec | undefined
  readonly ContainerSpec?: ContainerSpec | undefined
  readonly NetworkAttachmentSpec?: NetworkAttachmentSpec | undefined
  readonly Resources?: TaskResources | undefined
  readonly RestartPolicy?: TaskRestartPolicy | undefined
  readonly Placement?: Placement | undefined
  /** Raise it to replace tasks that have not changed. */
  readonly ForceUpdate?: number | undefined
  readonly Runtime?: string | undefined
  readonly Networks?: readonly NetworkAttachmentConfig[] | null | undefined
  readonly LogDriver?: TaskLogDriver | undefined
}

/** Schema of {@link TaskSpec}. */
export const taskSpec = lazy(() =>
  object<TaskSpec>({
    PluginSpec: pluginSpec(),
    ContainerSpec: containerSpec(),
    NetworkAttachmentSpec: networkAttachmentSpec(),
    Resources: taskResources(),
    RestartPolicy: taskRestartPolicy(),
    Placement: placement(),
    ForceUpdate: integer(),
    Runtime: string(),
    Networks: list(networkAttachmentConfig()),
    LogDriver: taskLogDriver()
  })
)
