import type { StoredPort } from './network-record.js'
import { portMaps } from './port-elements.js'

/** A bridge in the rules. */
export interface RuleNetwork {
  readonly id: string
  readonly bridge: string
  readonly subnet: string
  readonly internal: boolean
  readonly communication: boolean
  readonly masquerade: boolean
}

/** Everything that a data root's own table says. */
export interface RuleSet {
  /** Own nftables table, one per data root; also the mark of our rules in others' chains. */
  readonly table: string
  readonly networks: readonly RuleNetwork[]
  readonly ports: readonly StoredPort[]
}

/**
 * The own table, as a script that replaces it as a whole, in one step: connections that are there go on.
 *
 * - `publish`: what comes for a published port goes to its container, also from this host and its loopback. An accept here is none
 *   elsewhere: each base chain of the hook is asked.
 * - `guard`: bridges route loopback addresses, for the answers to the host's own loopback; nobody in a container may use that to get at
 *   the host's loopback. Answers are for the bridge's address when this looks at them.
 * - `forward`: a network takes answers, its own traffic, and what was published; nothing from other networks or from outside. A
 *   container's address is not an address of the world, even where one routes to this host.
 */
export function ownTable({ table, networks, ports }: RuleSet): string {
  const ipv4 = ports.filter(({ hostAddress }) => !hostAddress.includes(':'))
  const target = ({ address, containerPort }: StoredPort) => `${address} . ${containerPort}`
  const anywhere = ipv4.filter(port => port.hostAddress === '0.0.0.0').map(port => `${port.protocol} . ${port.hostPort} : ${target(port)}`)
  const somewhere = ipv4
    .filter(port => port.hostAddress !== '0.0.0.0')
    .map(port => `${port.hostAddress} . ${port.protocol} . ${port.hostPort} : ${target(port)}`)
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  set bridges {
    type ifname
    ${elements(networks.map(({ bridge }) => `"${bridge}"`))}
  }
  map ${portMaps.anywhere} {
    type inet_proto . inet_service : ipv4_addr . inet_service
    ${elements(anywhere)}
  }
  map ${portMaps.somewhere} {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
    ${elements(somewhere)}
  }
  chain publish {
    dnat ip to ip daddr . meta l4proto . th dport map @${portMaps.somewhere}
    dnat ip to meta l4proto . th dport map @${portMaps.anywhere}
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 127.0.0.0/8 oifname @bridges masquerade
${networks.map(translation).join('')}  }
  chain forward {
    type filter hook forward priority filter; policy accept;
${networks.map(admission).join('')}  }
${networks.map(chainOf).join('')}}
`
}

function elements(all: readonly string[]): string {
  return all.length === 0 ? '' : `elements = { ${all.join(', ')} }`
}

/** A container that asks for a published port of its own network would get the answer from an address that it did not ask. */
function translation({ bridge, subnet, internal, masquerade }: RuleNetwork): string {
  const out = masquerade && !internal ? `    ip saddr ${subnet} oifname != "${bridge}" masquerade\n` : ''
  return `${out}    ip saddr ${subnet} oifname "${bridge}" ct status dnat masquerade\n`
}

function admission({ id, bridge, internal }: RuleNetwork): string {
  const jump = `    oifname "${bridge}" jump ${chainName(id)}\n`
  return internal ? `${jump}    iifname "${bridge}" drop\n` : jump
}

function chainOf({ id, bridge, internal, communication }: RuleNetwork): string {
  return `  chain ${chainName(id)} {
${internal ? `    iifname != "${bridge}" drop\n` : '    ct state established,related accept\n    ct status dnat accept\n'}${communication ? `    iifname "${bridge}" accept\n` : ''}    drop
  }
`
}

function chainName(id: string): string {
  return `to_${id.slice(0, 12)}`
}
