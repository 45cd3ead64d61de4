export interface PluginMount {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Source: string
  readonly Destination: string
  readonly Type: string
  readonly Options: readonly string[]
}

export interface PluginDevice {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Path: string
}

export interface PluginEnv {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Value: string
}

export interface PluginSettings {
  readonly Mounts: readonly PluginMount[]
  readonly Env: readonly string[]
  readonly Args: readonly string[]
  readonly Devices: readonly PluginDevice[]
}

export interface ConfigInterface {
  readonly Types: readonly string[]
  readonly Socket: string
  readonly ProtocolScheme?: '' | 'moby.plugins.http/v1' | undefined
}

export interface ConfigUser {
  readonly UID?: number | undefined
  readonly GID?: number | undefined
}

export interface ConfigNetwork {
  readonly Type: string
}

export interface ConfigLinux {
  readonly Capabilities: readonly string[]
  readonly AllowAllDevices: boolean
  readonly Devices: readonly PluginDevice[]
}

export interface ConfigArgs {
  readonly Name: string
  readonly Description: string
  readonly Settable: readonly string[]
  readonly Value: readonly string[]
}

export interface Configrootfs {
  readonly type?: string | undefined
  readonly diff_ids?: readonly string[] | undefined
}

export interface PluginConfig {
  readonly Description: string
  readonly Documentation: string
  readonly Interface: ConfigInterface
  readonly Entrypoint: readonly string[]
  readonly WorkDir: string
  readonly User?: ConfigUser | undefined
  readonly Network: ConfigNetwork
  readonly Linux: ConfigLinux
  readonly PropagatedMount: string
  readonly IpcHost: boolean
  readonly PidHost: boolean
  readonly Mounts: readonly PluginMount[]
  readonly Env: readonly PluginEnv[]
  readonly Args: ConfigArgs
  readonly rootfs?: Configrootfs | undefined
  /** Gone after API 1.51. */
  readonly DockerVersion?: string | undefined
}

export interface Plugin {
  readonly Id?: string | undefined
  readonly Name: string
  readonly Enabled: boolean
  readonly Settings: PluginSettings
  readonly PluginReference?: string | undefined
  readonly Config: PluginConfig
}
