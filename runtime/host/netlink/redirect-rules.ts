import type { Kernel } from '../kernel.js'
import { attribute, messageFlags, nested, text } from './message.js'
import type { NetlinkRequest } from './netlink-socket.js'
import { bigEndian16, bigEndian32, changeNftables, familyIpv4, ipv4Header as header, nftablesTypes as types } from './nftables-batch.js'

/** One port of an address of this namespace that leads to another one of it. */
export interface Redirect {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly toPort: number
}

/** linux/netfilter/nf_tables.h */
const nfta = {
  table: { name: 1 },
  chain: { table: 1, name: 3, hook: 4, type: 7 },
  hook: { number: 1, priority: 2 },
  rule: { table: 1, chain: 2, expressions: 4 },
  expression: { element: 1, name: 1, data: 2 },
  meta: { destination: 1, key: 2 },
  compare: { source: 1, operator: 2, data: 3 },
  payload: { destination: 1, base: 2, offset: 3, length: 4 },
  immediate: { destination: 1, data: 2 },
  nat: { type: 1, family: 2, address: 3, port: 5 },
  value: 1
} as const
const metaLayer4Protocol = 16
const compareEqual = 0
const networkHeader = 1
const transportHeader = 2
const natDestination = 1
const register1 = 1
const register2 = 2
const hookOutput = 3
/** Where destinations are translated before packets of this namespace are routed: -100. */
const priorityBeforeFilter = 0xffff_ff9c
const protocolNumbers = { tcp: 6, udp: 17 } as const
const destinationAddressOffset = 16
const destinationPortOffset = 2

/**
 * Lead ports of a local address elsewhere, in the calling thread's network namespace: as a table of this name with one `nat output` chain,
 * which replaces what was there under the name. Written as netlink messages, for this is part of a container's start and `nft` takes
 * several times as long.
 *
 * @throws SystemCallError
 */
export function replaceRedirects(kernel: Kernel, table: string, address: Uint8Array, redirects: readonly Redirect[]): void {
  const chain = 'output'
  const create = messageFlags.create
  const tableName = attribute(nfta.table.name, text(table))
  const requests: NetlinkRequest[] = [
    // Made, if it was not there, so that it can be deleted with all that is in it.
    { step: `add table ${table}`, type: types.newTable, flags: create, parts: [header, tableName] },
    { step: `delete table ${table}`, type: types.deleteTable, flags: 0, parts: [header, tableName] },
    { step: `add table ${table}`, type: types.newTable, flags: create, parts: [header, tableName] },
    {
      step: `add chain ${table} ${chain}`,
      type: types.newChain,
      flags: create,
      parts: [
        header,
        attribute(nfta.chain.table, text(table)),
        attribute(nfta.chain.name, text(chain)),
        nested(nfta.chain.hook, [
          attribute(nfta.hook.number, bigEndian32(hookOutput)),
          attribute(nfta.hook.priority, bigEndian32(priorityBeforeFilter))
        ]),
        attribute(nfta.chain.type, text('nat'))
      ]
    },
    ...redirects.map(redirect => ({
      step: `add rule ${table} ${redirect.protocol} ${redirect.port}`,
      type: types.newRule,
      flags: create | appendFlag,
      parts: [
        header,
        attribute(nfta.rule.table, text(table)),
        attribute(nfta.rule.chain, text(chain)),
        nested(nfta.rule.expressions, expressionsOf(address, redirect))
      ]
    }))
  ]
  changeNftables(kernel, requests)
}

/** NLM_F_APPEND: after the rules that are there. */
const appendFlag = 0x800

/** `meta l4proto p ip daddr a th dport n dnat to a:m`, as `nft --debug=netlink` shows it. */
function expressionsOf(address: Uint8Array, { protocol, port, toPort }: Redirect): Uint8Array[] {
  return [
    expression('meta', [
      attribute(nfta.meta.key, bigEndian32(metaLayer4Protocol)),
      attribute(nfta.meta.destination, bigEndian32(register1))
    ]),
    compare(new Uint8Array([protocolNumbers[protocol]])),
    load(networkHeader, destinationAddressOffset, 4),
    compare(address),
    load(transportHeader, destinationPortOffset, 2),
    compare(bigEndian16(port)),
    immediate(register1, address),
    immediate(register2, bigEndian16(toPort)),
    expression('nat', [
      attribute(nfta.nat.type, bigEndian32(natDestination)),
      attribute(nfta.nat.family, bigEndian32(familyIpv4)),
      attribute(nfta.nat.address, bigEndian32(register1)),
      attribute(nfta.nat.port, bigEndian32(register2))
    ])
  ]
}

function load(base: number, offset: number, length: number): Uint8Array {
  return expression('payload', [
    attribute(nfta.payload.destination, bigEndian32(register1)),
    attribute(nfta.payload.base, bigEndian32(base)),
    attribute(nfta.payload.offset, bigEndian32(offset)),
    attribute(nfta.payload.length, bigEndian32(length))
  ])
}

function compare(value: Uint8Array): Uint8Array {
  return expression('cmp', [
    attribute(nfta.compare.source, bigEndian32(register1)),
    attribute(nfta.compare.operator, bigEndian32(compareEqual)),
    nested(nfta.compare.data, [attribute(nfta.value, value)])
  ])
}

function immediate(register: number, value: Uint8Array): Uint8Array {
  return expression('immediate', [
    attribute(nfta.immediate.destination, bigEndian32(register)),
    nested(nfta.immediate.data, [attribute(nfta.value, value)])
  ])
}

function expression(name: string, data: readonly Uint8Array[]): Uint8Array {
  return nested(nfta.expression.element, [attribute(nfta.expression.name, text(name)), nested(nfta.expression.data, data)])
}
