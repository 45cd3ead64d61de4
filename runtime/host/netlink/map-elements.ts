import type { Kernel } from '../kernel.js'
import { errnoOf } from '../system-call-error.js'
import { attribute, messageFlags, nested, text } from './message.js'
import type { NetlinkRequest } from './netlink-socket.js'
import { changeNftables, ipv4Header, nftablesTypes } from './nftables-batch.js'

/** An entry of a map, to be added or deleted. Its key and value are the fields side by side, each padded to four bytes. */
export interface ElementChange {
  readonly map: string
  readonly action: 'add' | 'delete'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** linux/netfilter/nf_tables.h */
const listAttributes = { table: 1, set: 2, elements: 3, element: 1 } as const
const elementAttributes = { key: 1, data: 2, value: 1 } as const

/**
 * Change maps of an IPv4 table in the calling thread's network namespace, in one step.
 *
 * @returns false where the table is not there, or is not as the changes suppose: nothing was changed
 */
export function changeElements(kernel: Kernel, table: string, changes: readonly ElementChange[]): boolean {
  try {
    changeNftables(
      kernel,
      changes.map(change => request(table, change))
    )
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'EEXIST' || errno === 'EINVAL') return false
    throw error
  }
}

function request(table: string, { map, action, key, value }: ElementChange): NetlinkRequest {
  const element = nested(listAttributes.element, [
    nested(elementAttributes.key, [attribute(elementAttributes.value, key)]),
    ...(action === 'add' ? [nested(elementAttributes.data, [attribute(elementAttributes.value, value)])] : [])
  ])
  return {
    step: `${action} element of ${table} ${map}`,
    type: action === 'add' ? nftablesTypes.newElement : nftablesTypes.deleteElement,
    flags: action === 'add' ? messageFlags.create : 0,
    parts: [
      ipv4Header,
      attribute(listAttributes.table, text(table)),
      attribute(listAttributes.set, text(map)),
      nested(listAttributes.elements, [element])
    ]
  }
}
