import { boolean, lazy, list, map, object, required, string } from '../schema.js'
import { type EndpointSettings, endpointSettings } from './endpoint-settings.js'

export interface ConfigReference {
  readonly Network?: string | undefined
}

/** Schema of {@link ConfigReference}. */
export const configReference = lazy(() => object<ConfigReference>({ Network: string() }))

export interface IPAMConfig {
  readonly Subnet?: string | undefined
  readonly IPRange?: string | undefined
  readonly Gateway?: string | undefined
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link IPAMConfig}. */
export const ipamConfig = lazy(() =>
  object<IPAMConfig>({ Subnet: string(), IPRange: string(), Gateway: string(), AuxiliaryAddresses: map(string()) })
)

export interface IPAM {
  readonly Driver?: string | undefined
  readonly Config?: readonly IPAMConfig[] | null | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link IPAM}. */
export const ipam = lazy(() => object<IPAM>({ Driver: string(), Config: list(ipamConfig()), Options: map(string()) }))

export interface NetworkCreateRequest {
  readonly Name: string
  readonly Driver?: string | undefined
  readonly Scope?: string | undefined
  readonly Internal?: boolean | undefined
  readonly Attachable?: boolean | undefined
  readonly Ingress?: boolean | undefined
  readonly ConfigOnly?: boolean | undefined
  readonly ConfigFrom?: ConfigReference | undefined
  readonly IPAM?: IPAM | undefined
  readonly EnableIPv4?: boolean | undefined
  readonly EnableIPv6?: boolean | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  /** Gone after API 1.41. */
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

export interface NetworkConnectRequest {
  readonly Container: string
  readonly EndpointConfig?: EndpointSettings | null | undefined
}

/** Schema of {@link NetworkConnectRequest}. */
export const networkConnectRequest = lazy(() =>
  object<NetworkConnectRequest>({ Container: required(string()), EndpointConfig: endpointSettings() })
)

export interface NetworkDisconnectRequest {
  readonly Container: string
  readonly Force?: boolean | undefined
}

/** Schema of {@link NetworkDisconnectRequest}. */
export const networkDisconnectRequest = lazy(() => object<NetworkDisconnectRequest>({ Container: required(string()), Force: boolean() }))
