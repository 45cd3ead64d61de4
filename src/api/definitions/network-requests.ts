import { boolean, lazy, list, map, object, required, string } from '../schema.js'
import { type EndpointSettings, endpointSettings } from './endpoint-settings.js'

/** A config-only network that gives its configuration. */
export interface ConfigReference {
  readonly Network?: string | undefined
}

/** Schema of {@link ConfigReference}. */
export const configReference = lazy(() => object<ConfigReference>({ Network: string() }))

/** An address pool. */
export interface IPAMConfig {
  readonly Subnet?: string | undefined
  readonly IPRange?: string | undefined
  readonly Gateway?: string | undefined
  /** Addresses to leave free, by name. */
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link IPAMConfig}. */
export const ipamConfig = lazy(() =>
  object<IPAMConfig>({ Subnet: string(), IPRange: string(), Gateway: string(), AuxiliaryAddresses: map(string()) })
)

/** How a network gives addresses. */
export interface IPAM {
  readonly Driver?: string | undefined
  readonly Config?: readonly IPAMConfig[] | null | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link IPAM}. */
export const ipam = lazy(() => object<IPAM>({ Driver: string(), Config: list(ipamConfig()), Options: map(string()) }))

/** A network to make. */
export interface NetworkCreateRequest {
  readonly Name: string
  /** bridge when absent. */
  readonly Driver?: string | undefined
  readonly Scope?: string | undefined
  /** Without a way out. */
  readonly Internal?: boolean | undefined
  readonly Attachable?: boolean | undefined
  readonly Ingress?: boolean | undefined
  readonly ConfigOnly?: boolean | undefined
  readonly ConfigFrom?: ConfigReference | undefined
  readonly IPAM?: IPAM | undefined
  /** Since API 1.48. */
  readonly EnableIPv4?: boolean | undefined
  readonly EnableIPv6?: boolean | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  /** Names are always unique since API 1.44. No longer in API 1.51. */
  readonly CheckDuplicate?: boolean | undefined
}

/** Schema of {@link NetworkCreateRequest}. */
export const networkCreateRequest = lazy(() =>
  object<NetworkCreateRequest>({
    Name: required(string()),
    Driver: string(),
    Scope: string(),
    Internal: boolean(),
    Attachable: boolean(),
    Ingress: boolean(),
    ConfigOnly: boolean(),
    ConfigFrom: configReference(),
    IPAM: ipam(),
    EnableIPv4: boolean(),
    EnableIPv6: boolean(),
    Options: map(string()),
    Labels: map(string()),
    CheckDuplicate: boolean()
  })
)

/** A container that joins a network. */
export interface NetworkConnectRequest {
  readonly Container: string
  readonly EndpointConfig?: EndpointSettings | null | undefined
}

/** Schema of {@link NetworkConnectRequest}. */
export const networkConnectRequest = lazy(() =>
  object<NetworkConnectRequest>({ Container: required(string()), EndpointConfig: endpointSettings() })
)

/** A container that leaves a network. */
export interface NetworkDisconnectRequest {
  readonly Container: string
  /** Also when the container is gone. */
  readonly Force?: boolean | undefined
}

/** Schema of {@link NetworkDisconnectRequest}. */
export const networkDisconnectRequest = lazy(() => object<NetworkDisconnectRequest>({ Container: required(string()), Force: boolean() }))
