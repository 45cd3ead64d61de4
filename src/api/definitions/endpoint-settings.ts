import { integer, lazy, list, map, object, string } from '../schema.js'

export interface EndpointIPAMConfig {
  readonly IPv4Address?: string | undefined
  readonly IPv6Address?: string | undefined
  readonly LinkLocalIPs?: readonly string[] | null | undefined
}

/** Schema of {@link EndpointIPAMConfig}. */
export const endpointIPAMConfig = lazy(() =>
  object<EndpointIPAMConfig>({ IPv4Address: string(), IPv6Address: string(), LinkLocalIPs: list(string()) })
)

export interface EndpointSettings {
  readonly IPAMConfig?: EndpointIPAMConfig | undefined
  readonly Links?: readonly string[] | null | undefined
  readonly MacAddress?: string | undefined
  readonly Aliases?: readonly string[] | null | undefined
  readonly DriverOpts?: Readonly<Record<string, string>> | null | undefined
  readonly GwPriority?: number | undefined
  readonly NetworkID?: string | undefined
  readonly EndpointID?: string | undefined
  readonly Gateway?: string | undefined
  readonly IPAddress?: string | undefined
  readonly IPPrefixLen?: number | undefined
  readonly IPv6Gateway?: string | undefined
  readonly GlobalIPv6Address?: string | undefined
  readonly GlobalIPv6PrefixLen?: number | undefined
  readonly DNSNames?: readonly string[] | null | undefined
}

/** Schema of {@link EndpointSettings}. */
export const endpointSettings = lazy(() =>
  object<EndpointSettings>({
    IPAMConfig: endpointIPAMConfig(),
    Links: list(string()),
    MacAddress: string(),
    Aliases: list(string()),
    DriverOpts: map(string()),
    GwPriority: integer(),
    NetworkID: string(),
    EndpointID: string(),
    Gateway: string(),
    IPAddress: string(),
    IPPrefixLen: integer(),
    IPv6Gateway: string(),
    GlobalIPv6Address: string(),
    GlobalIPv6PrefixLen: integer(),
    DNSNames: list(string())
  })
)

export interface NetworkingConfig {
  readonly EndpointsConfig?: Readonly<Record<string, EndpointSettings>> | null | undefined
}

/** Schema of {@link NetworkingConfig}. */
export const networkingConfig = lazy(() => object<NetworkingConfig>({ EndpointsConfig: map(endpointSettings()) }))
