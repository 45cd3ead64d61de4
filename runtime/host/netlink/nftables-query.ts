import type { Kernel } from '../kernel.js'
import { errnoOf } from '../system-call-error.js'
import { attribute, decodeAttributes, type Message, text, viewOf } from './message.js'
import { NetlinkSocket } from './netlink-socket.js'

const netlinkNetfilter = 12
const familyIpv4 = 2
/** linux/netfilter/nf_tables.h; the subsystem's number is the upper byte of the type. */
const types = { getTable: 0x0a01, getChain: 0x0a04 } as const
const tableName = 1
const chain = { table: 1, name: 3, policy: 5 } as const
const generalHeaderBytes = 4
const policyDrop = 0

/** Looks at IPv4 nftables without spawning `nft`. Writing rules is left to `nft`, whose language they are in. */
export class NftablesQuery {
  readonly #socket: NetlinkSocket

  constructor(kernel: Kernel) {
    this.#socket = new NetlinkSocket(kernel, netlinkNetfilter)
  }

  hasTable(name: string): boolean {
    return this.#find(`find table ${name}`, types.getTable, [attribute(tableName, text(name))]) !== undefined
  }

  /** Undefined when there is no such chain. */
  chain(table: string, name: string): { readonly dropsByDefault: boolean } | undefined {
    const parts = [attribute(chain.table, text(table)), attribute(chain.name, text(name))]
    const answer = this.#find(`find chain ${table} ${name}`, types.getChain, parts)
    if (answer === undefined) return undefined
    const policy = decodeAttributes(answer.payload.subarray(generalHeaderBytes)).get(chain.policy)
    return { dropsByDefault: policy !== undefined && viewOf(policy).getUint32(0) === policyDrop }
  }

  close(): void {
    this.#socket.close()
  }

  #find(step: string, type: number, parts: readonly Uint8Array[]): Message | undefined {
    try {
      return this.#socket.query({ step, type, flags: 0, parts: [new Uint8Array([familyIpv4, 0, 0, 0]), ...parts] })[0]
    } catch (error) {
      const errno = errnoOf(error)
      // The last two: a kernel where nftables is not there (yet), so neither is the table.
      if (errno === 'ENOENT' || errno === 'EINVAL' || errno === 'EOPNOTSUPP') return undefined
      throw error
    }
  }
}
