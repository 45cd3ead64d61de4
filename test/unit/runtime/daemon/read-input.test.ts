import { describe, expect, it } from 'vitest'
import { readInput } from '../../../../runtime/daemon/read-input.js'
import { VolumePrune } from '../../../../src/api/index.js'

const pruneFilters = async (version: string, query: string) => {
  const route = { operation: VolumePrune, path: {} }
  const input = await readInput(route, { headers: {}, query: new URLSearchParams(query), version, body: undefined })
  return (input.query as { filters?: unknown } | undefined)?.filters // what VolumePrune takes
}

describe('readInput', () => {
  it('has volumes with names pruned too before API 1.42', async () => {
    expect(await pruneFilters('1.41', '')).toEqual({ all: ['true'] })
    expect(await pruneFilters('1.41', 'filters={"label":["a"]}')).toEqual({ label: ['a'], all: ['true'] })
    expect(await pruneFilters('1.42', '')).toBeUndefined()
    expect(await pruneFilters('1.51', 'filters={"all":["1"]}')).toEqual({ all: ['1'] })
  })
})
