/** The address as a number from 0 to 2^32 - 1, undefined where the text is none. */
export function parseIpv4(address: string): number | undefined {
  const parts = address.split('.')
  let value = 0
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    value = value * 256 + Number(part)
  }
  return parts.length === 4 ? value : undefined
}

export function formatIpv4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.')
}

/** As addresses travel: in network byte order. */
export function ipv4Bytes(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255])
}

/** A range of addresses; `first` has all host bits zero. */
export interface Subnet {
  readonly first: number
  readonly prefixLength: number
}

export function parseSubnet(cidr: string): Subnet | undefined {
  const [address, prefix, ...rest] = cidr.split('/')
  const value = parseIpv4(address ?? '')
  if (value === undefined || prefix === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return undefined
  return subnetOf(value, Number(prefix))
}

/** The subnet that an address with a prefix length is in. */
export function subnetOf(address: number, prefixLength: number): Subnet {
  const size = subnetSize(prefixLength)
  return { first: Math.floor(address / size) * size, prefixLength }
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatIpv4(subnet.first)}/${subnet.prefixLength}`
}

export function lastAddress(subnet: Subnet): number {
  return subnet.first + subnetSize(subnet.prefixLength) - 1
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.first <= lastAddress(b) && b.first <= lastAddress(a)
}

function subnetSize(prefixLength: number): number {
  return 2 ** (32 - prefixLength)
}
