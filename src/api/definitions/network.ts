import type { ConfigReference, IPAM } from './network-requests.js'

export interface PeerInfo {
  readonly Name?: string | undefined
  readonly IP?: string | undefined
}

export interface EndpointResource {
  readonly Name?: string | undefined
  readonly EndpointID?: string | undefined
  readonly MacAddress?: string | undefined
  readonly IPv4Address?: string | undefined
  readonly IPv6Address?: string | undefined
}

export interface SubnetStatus {
  readonly IPsInUse?: number | undefined
  readonly DynamicIPsAvailable?: number | undefined
}

export interface IPAMStatus {
  readonly Subnets?: Readonly<Record<string, SubnetStatus>> | undefined
}

export interface NetworkStatus {
  readonly IPAM?: IPAMStatus | undefined
}

export interface NetworkTaskInfo {
  readonly Name?: string | undefined
  readonly EndpointID?: string | undefined
  readonly EndpointIP?: string | undefined
  readonly Info?: Readonly<Record<string, string>> | undefined
}

export interface ServiceInfo {
  readonly VIP?: string | undefined
  readonly Ports?: readonly string[] | undefined
  readonly LocalLBIndex?: number | undefined
  readonly Tasks?: readonly NetworkTaskInfo[] | undefined
}

export interface Network {
  readonly Name: string
  readonly Id: string
  readonly Created: string
  readonly Scope: string
  readonly Driver: string
  readonly EnableIPv4?: boolean | undefined
  readonly EnableIPv6: boolean
  readonly IPAM?: IPAM | undefined
  readonly Internal: boolean
  readonly Attachable: boolean
  readonly Ingress: boolean
  readonly ConfigFrom?: ConfigReference | undefined
  readonly ConfigOnly: boolean
  readonly Options?: Readonly<Record<string, string>> | undefined
  readonly Labels?: Readonly<Record<string, string>> | undefined
  readonly Peers?: readonly PeerInfo[] | undefined
  /** Gone after API 1.51. */
  readonly Containers?: Readonly<Record<string, EndpointResource>> | undefined
}

export interface NetworkInspectResponse extends Network {
  readonly Containers?: Readonly<Record<string, EndpointResource>> | undefined
  readonly Services?: Readonly<Record<string, ServiceInfo>> | undefined
  readonly Status?: NetworkStatus | undefined
}

export interface NetworkCreateResponse {
  readonly Id: string
  readonly Warning: string
}
