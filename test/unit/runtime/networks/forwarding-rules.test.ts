import { describe, expect, it } from 'vitest'
import type { FilterState, HostNetwork } from '../../../../runtime/host/host-network.js'
import { installRules, removeRules, rulesOf } from '../../../../runtime/networks/forwarding-rules.js'
import { ownTable, type RuleNetwork } from '../../../../runtime/networks/rule-table.js'

const bridge: RuleNetwork = {
  id: '0123456789abcdef',
  bridge: 'gtyx',
  subnet: '172.17.0.0/16',
  internal: false,
  communication: true,
  masquerade: true
}
const rules = { table: 'gantry_x', networks: [bridge], ports: [] }
const listing = (...entries: object[]) => JSON.stringify({ nftables: [{ metainfo: { version: '1' } }, ...entries] })
const marked = (handle: number, comment: string) => ({ rule: { family: 'ip', handle, comment, expr: [] } })

/** A host whose chains are as given; what `nft -f -` was told is in `scripts`. */
function fakeNetwork(state: FilterState, chains: Readonly<Record<string, string>> = {}) {
  const scripts: string[] = []
  const network: Pick<HostNetwork, 'filterState' | 'nft'> = {
    filterState: async () => state,
    nft: async (args, input = '') => {
      if (args[0] === '-f') {
        scripts.push(input)
        return ''
      }
      // The first listing is what was there, later ones are empty: the rules were removed.
      return scripts.some(script => script.includes('delete rule')) ? listing() : (chains[args.at(-1) ?? ''] ?? listing())
    }
  }
  return { network: network as HostNetwork, scripts }
}

describe('forwarding rules', () => {
  it('translate what leaves the bridge and drop what nobody asked for', () => {
    const table = ownTable(rules)
    expect(table).toContain('ip saddr 172.17.0.0/16 oifname != "gtyx" masquerade')
    expect(table).toContain('oifname "gtyx" jump to_0123456789ab')
    expect(table.indexOf('established,related accept')).toBeLessThan(table.indexOf('    drop\n'))
  })

  it('let nobody into and out of an internal network', () => {
    const table = ownTable({ ...rules, networks: [{ ...bridge, internal: true }] })
    expect(table).toContain('iifname "gtyx" drop')
    expect(table).not.toContain('oifname != "gtyx" masquerade')
    expect(table).not.toContain('established,related')
  })

  it('lead published ports to their containers, those of one address apart; IPv6 is not theirs', () => {
    const common = {
      protocol: 'tcp',
      containerPort: 80,
      containerId: 'c',
      address: '172.17.0.2',
      owner: { pid: 1, startTime: '' }
    } as const
    const table = ownTable({
      ...rules,
      ports: [
        { ...common, hostAddress: '0.0.0.0', hostPort: 8080 },
        { ...common, hostAddress: '::', hostPort: 8080 },
        { ...common, hostAddress: '127.0.0.1', hostPort: 8081 }
      ]
    })
    expect(table).toContain('elements = { tcp . 8080 : 172.17.0.2 . 80 }')
    expect(table).toContain('elements = { 127.0.0.1 . tcp . 8081 : 172.17.0.2 . 80 }')
    expect(table).not.toContain('::')
  })

  it('are installed once: nothing is run where they are there', async () => {
    const { network, scripts } = fakeNetwork({ tables: ['gantry_x'] })
    await installRules(network, rules, { fresh: false })
    expect(scripts).toEqual([])
    await installRules(network, rules, { fresh: true })
    expect(scripts).toEqual([ownTable(rules)])
  })

  it("go in front of Docker's, marked, unless they are there", async () => {
    const first = fakeNetwork({ tables: [], obstacle: 'DOCKER-USER' })
    await installRules(first.network, rules, { fresh: true })
    expect(first.scripts[0]).toContain('insert rule ip filter DOCKER-USER iifname "gtyx" counter accept comment "gantry_x gtyx"')
    const again = fakeNetwork({ tables: ['gantry_x'], obstacle: 'DOCKER-USER' }, { 'DOCKER-USER': listing(marked(4, 'gantry_x gtyx')) })
    await installRules(again.network, rules, { fresh: false })
    expect(again.scripts).toEqual([])
  })

  it('are removed by their mark and no other', async () => {
    const chains = { FORWARD: listing(marked(4, 'gantry_y gtyy'), marked(5, 'gantry_x gtyx'), { rule: { handle: 6 } }) }
    const { network, scripts } = fakeNetwork({ tables: ['gantry_x', 'filter'] }, chains)
    await removeRules(network, rules)
    expect(scripts).toEqual(['delete table ip gantry_x\n', 'delete rule ip filter FORWARD handle 5\n'])
  })

  it('are read from what nft prints, and from nothing', () => {
    expect(rulesOf('')).toEqual([])
    expect(rulesOf('{}')).toEqual([])
    expect(rulesOf(listing(marked(1, 'a')))).toEqual([{ handle: 1, comment: 'a' }])
  })
})
