import { integer, lazy, list, map, object, string } from '../schema.js'

/** Addresses that are asked for. */
export interface EndpointIPAMConfig {
  readonly IPv4Address?: string | undefined
  readonly IPv6Address?: string | undefined
  readonly LinkLocalIPs?: readonly string[] | null | undefined
}

/** Schema of {@link EndpointIPAMConfig}. */
export const endpointIPAMConfig = lazy(() =>
  object<EndpointIPAMConfig>({ IPv4Address: string(), IPv6Address: string(), LinkLocalIPs: list(string()) })
)

/** A container's place in a network: what is asked for, and in responses what it got. */
export interface EndpointSettings {
  readonly IPAMConfig?: EndpointIPAMConfig | null | undefined
  /** `<container>:<alias>` each. */
  readonly Links?: readonly string[] | null | undefined
  readonly MacAddress?: string | undefined
  readonly Aliases?: readonly string[] | null | undefined
  readonly DriverOpts?: Readonly<Record<string, string>> | null | undefined
  /** The network with the highest has the default route. Since API 1.48. */
  readonly GwPriority?: number | undefined
  readonly NetworkID?: string | undefined
  readonly EndpointID?: string | undefined
  readonly Gateway?: string | undefined
  readonly IPAddress?: string | undefined
  readonly IPPrefixLen?: number | undefined
  readonly IPv6Gateway?: string | undefined
  readonly GlobalIPv6Address?: string | undefined
  readonly GlobalIPv6PrefixLen?: number | undefined
  /** All names it is found by in this network. */
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

/** The networks a new container joins. */
export interface NetworkingConfig {
  /** By network name or id. */
  readonly EndpointsConfig?: Readonly<Record<string, EndpointSettings>> | null | undefined
}

/** Schema of {@link NetworkingConfig}. */
export const networkingConfig = lazy(() => object<NetworkingConfig>({ EndpointsConfig: map(endpointSettings()) }))
