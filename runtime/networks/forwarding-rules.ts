import type { HostNetwork } from '../host/host-network.js'
import { errnoOf } from '../host/system-call-error.js'
import { ownTable, type RuleSet } from './rule-table.js'

type Obstacle = 'DOCKER-USER' | 'FORWARD'

const foreignTable = 'ip filter'
const foreignChains: readonly Obstacle[] = ['DOCKER-USER', 'FORWARD']

/**
 * Let containers reach the world, with the host's address, and nobody reach them who was not asked: as Docker's rules.
 * The own table is replaced as a whole. Where Docker or a firewall drops forwarded packets, marked rules that accept ours
 * are put in front.
 *
 * @param options.fresh replace the own table even where it is there
 */
export async function installRules(network: HostNetwork, rules: RuleSet, options: { readonly fresh: boolean }): Promise<void> {
  const state = await network.filterState([rules.table])
  const own = options.fresh || !state.tables.includes(rules.table) ? ownTable(rules) : ''
  const foreign = state.obstacle === undefined ? '' : await foreignRules(network, rules, state.obstacle)
  if (own !== '' || foreign !== '') await network.nft(['-f', '-'], own + foreign)
}

/** Remove the own table and exactly the rules that carry our mark. Idempotent. */
export async function removeRules(network: HostNetwork, rules: Pick<RuleSet, 'table'>): Promise<void> {
  const state = await network.filterState([rules.table, 'filter'])
  if (state.tables.includes(rules.table)) await network.nft(['-f', '-'], `delete table ip ${rules.table}\n`)
  if (state.tables.includes('filter')) await removeMarked(network, comment => comment.startsWith(`${rules.table} `))
}

/** Remove what accepts a bridge's packets in others' chains. Idempotent. */
export async function removeForeignRules(network: HostNetwork, table: string, bridge: string): Promise<void> {
  const state = await network.filterState(['filter'])
  if (state.tables.includes('filter')) await removeMarked(network, comment => comment === mark(table, bridge))
}

async function removeMarked(network: HostNetwork, isOurs: (comment: string) => boolean): Promise<void> {
  for (;;) {
    const marked = await markedRules(network, isOurs)
    if (marked.length === 0) return
    const script = marked.map(({ chain, handle }) => `delete rule ${foreignTable} ${chain} handle ${handle}\n`).join('')
    try {
      await network.nft(['-f', '-'], script)
    } catch (error) {
      // Their owner may have rewritten the chains since we looked.
      if ((await markedRules(network, isOurs)).some(left => marked.some(({ handle }) => handle === left.handle))) throw error
    }
  }
}

/**
 * Both directions, before everything else in the chain. Only what iptables can express and read back: one rule that it
 * does not know, and it refuses the whole chain, which breaks dockerd. That answers only come to who asked is seen to by
 * the own table.
 */
async function foreignRules(network: HostNetwork, { table, networks }: RuleSet, chain: Obstacle): Promise<string> {
  const there = await markedRules(network, comment => comment.startsWith(`${table} `))
  const missing = networks.filter(({ bridge }) => !there.some(rule => rule.chain === chain && rule.comment === mark(table, bridge)))
  return missing
    .map(
      ({ bridge }) => `insert rule ${foreignTable} ${chain} oifname "${bridge}" counter accept comment "${mark(table, bridge)}"
insert rule ${foreignTable} ${chain} iifname "${bridge}" counter accept comment "${mark(table, bridge)}"
`
    )
    .join('')
}

function mark(table: string, bridge: string): string {
  return `${table} ${bridge}`
}

interface MarkedRule {
  readonly chain: string
  readonly handle: number
  readonly comment: string
}

async function markedRules(network: HostNetwork, isOurs: (comment: string) => boolean): Promise<MarkedRule[]> {
  const found: MarkedRule[] = []
  for (const chain of foreignChains) {
    const listing = await listChain(network, chain)
    for (const { handle, comment } of rulesOf(listing)) if (isOurs(comment)) found.push({ chain, handle, comment })
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
