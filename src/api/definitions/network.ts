import type { ConfigReference, IPAM } from './network-requests.js'

/** Another node in an overlay network. */
export interface PeerInfo {
  readonly Name?: string | undefined
  readonly IP?: string | undefined
}

/** A container in a network. */
export interface EndpointResource {
  readonly Name?: string | undefined
  readonly EndpointID?: string | undefined
  readonly MacAddress?: string | undefined
  readonly IPv4Address?: string | undefined
  readonly IPv6Address?: string | undefined
}

/** Addresses of a subnet, taken and free. */
export interface SubnetStatus {
  readonly IPsInUse?: number | undefined
  readonly DynamicIPsAvailable?: number | undefined
}

/** Addresses of a network, by subnet. */
export interface IPAMStatus {
  readonly Subnets?: Readonly<Record<string, SubnetStatus>> | undefined
}

/** The state of a network. Since API 1.52. */
export interface NetworkStatus {
  readonly IPAM?: IPAMStatus | undefined
}

/** A task behind a service. */
export interface NetworkTaskInfo {
  readonly Name?: string | undefined
  readonly EndpointID?: string | undefined
  readonly EndpointIP?: string | undefined
  readonly Info?: Readonly<Record<string, string>> | undefined
}

/** A service in a network. */
export interface ServiceInfo {
  readonly VIP?: string | undefined
  readonly Ports?: readonly string[] | undefined
  readonly LocalLBIndex?: number | undefined
  readonly Tasks?: readonly NetworkTaskInfo[] | undefined
}

/** A network. */
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
  /** Until API 1.51. */
  readonly Containers?: Readonly<Record<string, EndpointResource>> | undefined
}

/** A network with what is in it. */
export interface NetworkInspectResponse extends Network {
  readonly Containers?: Readonly<Record<string, EndpointResource>> | undefined
  readonly Services?: Readonly<Record<string, ServiceInfo>> | undefined
  readonly Status?: NetworkStatus | undefined
}

/** The network that was made. */
export interface NetworkCreateResponse {
  readonly Id: string
  readonly Warning: string
}
