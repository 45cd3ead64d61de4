import type { HostNetwork } from '../host/host-network.js'
import { errnoOf } from '../host/system-call-error.js'

/** What the rules are for. */
export interface ForwardingRules {
  /** Own nftables table, one per data root; also the mark of our rules in others' chains. */
  readonly table: string
  readonly bridge: string
  readonly subnet: string
}

type Obstacle = 'DOCKER-USER' | 'FORWARD'

const foreignTable = 'ip filter'
const foreignChains: readonly Obstacle[] = ['DOCKER-USER', 'FORWARD']

/**
 * Let containers reach the world, with the host's address, and nobody reach them who was not asked: as Docker's rules.
 * The own table is replaced as a whole. Where Docker or a firewall drops forwarded packets, marked rules that accept ours
 * are put in front.
 *
 * @param options.fresh replace the own table even where it is there (the subnet has changed)
 */
export async function installRules(network: HostNetwork, rules: ForwardingRules, options: { readonly fresh: boolean }): Promise<void> {
  const state = await network.filterState([rules.table])
  const own = options.fresh || !state.tables.includes(rules.table) ? ownTable(rules) : ''
  const foreign = state.obstacle === undefined ? '' : await foreignRules(network, rules, state.obstacle)
  if (own !== '' || foreign !== '') await network.nft(['-f', '-'], own + foreign)
}

/** Remove the own table and exactly the rules that carry our mark. Idempotent. */
export async function removeRules(network: HostNetwork, rules: Pick<ForwardingRules, 'table'>): Promise<void> {
  const state = await network.filterState([rules.table, 'filter'])
  if (state.tables.includes(rules.table)) await network.nft(['-f', '-'], `delete table ip ${rules.table}\n`)
  if (state.tables.includes('filter')) await removeMarked(network, rules.table)
}

async function removeMarked(network: HostNetwork, mark: string): Promise<void> {
  for (;;) {
    const marked = await markedRules(network, mark)
    if (marked.length === 0) return
    const script = marked.map(({ chain, handle }) => `delete rule ${foreignTable} ${chain} handle ${handle}\n`).join('')
    try {
      await network.nft(['-f', '-'], script)
    } catch (error) {
      // Their owner may have rewritten the chains since we looked.
      if ((await markedRules(network, mark)).some(left => marked.some(({ handle }) => handle === left.handle))) throw error
    }
  }
}

/**
 * `oifname != bridge` leaves what containers say to each other as it is. The forward chain drops what comes from other
 * networks unasked: a container's address is not an address of the world, even where one routes to this host.
 */
export function ownTable({ table, bridge, subnet }: ForwardingRules): string {
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" accept
    oifname "${bridge}" ct state established,related accept
    oifname "${bridge}" drop
  }
}
`
}

/**
 * Both directions, before everything else in the chain. Only what iptables can express and read back: one rule that it
 * does not know, and it refuses the whole chain, which breaks dockerd. That answers only come to who asked is seen to by
 * the own table.
 */
async function foreignRules(network: HostNetwork, { table, bridge }: ForwardingRules, chain: Obstacle): Promise<string> {
  const there = await markedRules(network, table)
  if (there.some(rule => rule.chain === chain)) return ''
  return `insert rule ${foreignTable} ${chain} oifname "${bridge}" counter accept comment "${table}"
insert rule ${foreignTable} ${chain} iifname "${bridge}" counter accept comment "${table}"
`
}

interface MarkedRule {
  readonly chain: string
  readonly handle: number
}

async function markedRules(network: HostNetwork, mark: string): Promise<MarkedRule[]> {
  const found: MarkedRule[] = []
  for (const chain of foreignChains) {
    const listing = await listChain(network, chain)
    for (const { handle, comment } of rulesOf(listing)) if (comment === mark) found.push({ chain, handle })
  }
  return found
}

/** '' when there is no such chain. */
async function listChain(network: HostNetwork, chain: string): Promise<string> {
  try {
    return await network.nft(['-j', '-a', 'list', 'chain', ...foreignTable.split(' '), chain])
  } catch (error) {
    if (errnoOf(error) !== undefined) throw error
    return ''
  }
}

/** Handles and comments out of `nft -j list chain` (libnftables-json(5)). */
export function rulesOf(listing: string): { readonly handle: number; readonly comment: string }[] {
  if (listing.trim() === '') return []
  const parsed: unknown = JSON.parse(listing)
  const objects = isRecord(parsed) && Array.isArray(parsed.nftables) ? parsed.nftables : []
  return objects.flatMap((object: unknown) => {
    const rule = isRecord(object) ? object.rule : undefined
    if (!isRecord(rule) || typeof rule.handle !== 'number' || typeof rule.comment !== 'string') return []
    return [{ handle: rule.handle, comment: rule.comment }]
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
