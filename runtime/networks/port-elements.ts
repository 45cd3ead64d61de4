import { ipv4Bytes, parseIpv4 } from '../host/netlink/ipv4.js'
import type { ElementChange } from '../host/netlink/map-elements.js'
import type { PortProtocol, StoredPort } from './network-record.js'

/** Maps of a data root's table (`rule-table.ts`): ports of all addresses, and of one. */
export const portMaps = { anywhere: 'published', somewhere: 'published_on' } as const

/** Key of a port in the table `ports`. */
export function portKey({ protocol, hostPort, hostAddress }: Pick<StoredPort, 'protocol' | 'hostPort' | 'hostAddress'>): string {
  return `${protocol}/${hostPort}/${hostAddress}`
}

/** RFC 1700's successor, the protocol numbers registry. */
const protocolNumbers: Readonly<Record<PortProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 }

/** What adding or deleting ports means for those maps. Ports of IPv6 addresses are none of theirs. */
export function portChanges(action: 'add' | 'delete', ports: readonly StoredPort[]): ElementChange[] {
  return ports
    .filter(({ hostAddress }) => !hostAddress.includes(':'))
    .map(({ protocol, hostAddress, hostPort, address, containerPort }) => {
      const everywhere = hostAddress === '0.0.0.0'
      const own = [field(new Uint8Array([protocolNumbers[protocol]])), field(portBytes(hostPort))]
      return {
        map: everywhere ? portMaps.anywhere : portMaps.somewhere,
        action,
        key: Buffer.concat(everywhere ? own : [addressBytes(hostAddress), ...own]),
        value: Buffer.concat([addressBytes(address), field(portBytes(containerPort))])
      }
    })
}

function addressBytes(address: string): Uint8Array {
  return ipv4Bytes(parseIpv4(address) ?? 0)
}

function portBytes(port: number): Uint8Array {
  return new Uint8Array([port >>> 8, port & 255])
}

/** Fields of a concatenation begin at multiples of four bytes. */
function field(value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4)
  bytes.set(value)
  return bytes
}
