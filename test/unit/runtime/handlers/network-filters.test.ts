import { describe, expect, it } from 'vitest'
import { networkFilter } from '../../../../runtime/handlers/network-filters.js'
import type { NetworkRecord } from '../../../../runtime/networks/network-record.js'

const network = (name: string, labels: Readonly<Record<string, string>> = {}): NetworkRecord => ({
  id: `${name}-id`,
  name,
  driver: name === 'host' ? 'host' : 'bridge',
  createdAt: '2026-01-01T00:00:00Z',
  bridge: '',
  subnet: '',
  gateway: '',
  pool: {},
  internal: false,
  attachable: false,
  labels,
  options: {}
})
const all = [network('bridge'), network('host'), network('front', { tier: 'web' }), network('front-2')]
const found = (filters: Readonly<Record<string, readonly string[]>>) =>
  all.filter(networkFilter(filters, ({ name }) => name === 'front')).map(({ name }) => name)

describe('network filters', () => {
  it('let everything through where there are none', () => {
    expect(found({})).toHaveLength(4)
    expect(found({ name: [] })).toHaveLength(4)
  })

  it('find by any part of a name, by the beginning of an id, by label, driver, scope and type', () => {
    expect(found({ name: ['front'] })).toEqual(['front', 'front-2'])
    expect(found({ id: ['front-2'] })).toEqual(['front-2'])
    expect(found({ label: ['tier'] })).toEqual(['front'])
    expect(found({ label: ['tier=db'] })).toEqual([])
    expect(found({ driver: ['host'] })).toEqual(['host'])
    expect(found({ scope: ['swarm'] })).toEqual([])
    expect(found({ type: ['builtin'] })).toEqual(['bridge', 'host'])
  })

  it('tell what nobody is in, those that are always there apart', () => {
    expect(found({ dangling: ['true'] })).toEqual(['front-2'])
    expect(found({ dangling: ['0'] })).toEqual(['bridge', 'host', 'front'])
  })

  it('refuse what they do not know', () => {
    for (const filters of [{ nonesuch: ['x'] }, { type: ['x'] }, { scope: ['x'] }, { dangling: ['x'] }]) {
      expect(() => found(filters)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    }
  })
})
