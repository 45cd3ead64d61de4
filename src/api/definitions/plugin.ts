/** A mount of a plugin. */
export interface PluginMount {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Source: string
  readonly Destination: string
  readonly Type: string
  readonly Options: readonly string[]
}

/** A device of a plugin. */
export interface PluginDevice {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Path: string
}

/** An environment variable of a plugin. */
export interface PluginEnv {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Value: string
}

/** What can be set on a plugin. */
export interface PluginSettings {
  readonly Mounts: readonly PluginMount[]
  readonly Env: readonly string[]
  readonly Args: readonly string[]
  readonly Devices: readonly PluginDevice[]
}

/** How the engine talks to a plugin. */
export interface PluginInterface {
  readonly Types: readonly string[]
  readonly Socket: string
  readonly ProtocolScheme?: '' | 'moby.plugins.http/v1' | undefined
}

/** The user a plugin runs as. */
export interface PluginUser {
  readonly UID?: number | undefined
  readonly GID?: number | undefined
}

/** A plugin's network. */
export interface PluginNetwork {
  readonly Type: string
}

/** What a plugin gets on Linux. */
export interface PluginLinux {
  readonly Capabilities: readonly string[]
  readonly AllowAllDevices: boolean
  readonly Devices: readonly PluginDevice[]
}

/** Arguments of a plugin. */
export interface PluginArgs {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Value: readonly string[]
}

/** A plugin's layers. */
export interface PluginRootFS {
  readonly type?: string | undefined
  readonly diff_ids?: readonly string[] | undefined
}

/** What a plugin says about itself. */
export interface PluginConfig {
  readonly Description: string
  readonly Documentation: string
  readonly Interface: PluginInterface
  readonly Entrypoint: readonly string[]
  readonly WorkDir: string
  readonly User?: PluginUser | undefined
  readonly Network: PluginNetwork
  readonly Linux: PluginLinux
  readonly PropagatedMount: string
  readonly IpcHost: boolean
  readonly PidHost: boolean
  readonly Mounts: readonly PluginMount[]
  readonly Env: readonly PluginEnv[]
  readonly Args: PluginArgs
  readonly rootfs?: PluginRootFS | undefined
  /** Until API 1.51. */
  readonly DockerVersion?: string | undefined
}

/** An installed plugin. */
export interface Plugin {
  readonly Id?: string | undefined
  readonly Name: string
  readonly Enabled: boolean
  readonly Settings: PluginSettings
  readonly PluginReference?: string | undefined
  readonly Config: PluginConfig
}
