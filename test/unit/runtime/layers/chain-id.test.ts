import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { chainIdOf, chainIdsOf } from '../../../../runtime/layers/chain-id.js'

const a = `sha256:${'a'.repeat(64)}`
const b = `sha256:${'b'.repeat(64)}`
const c = `sha256:${'c'.repeat(64)}`
const digest = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

describe('chainIdOf', () => {
  it('is the diff ID itself for one layer', () => {
    expect(chainIdOf([a])).toBe(a)
  })

  it('digests the chain below and the diff ID, from the bottom up', () => {
    expect(chainIdOf([a, b])).toBe(digest(`${a} ${b}`))
    expect(chainIdOf([a, b, c])).toBe(digest(`${digest(`${a} ${b}`)} ${c}`))
  })

  it('depends on the order', () => {
    expect(chainIdOf([a, b])).not.toBe(chainIdOf([b, a]))
  })

  it('refuses the empty stack', () => {
    expect(() => chainIdOf([])).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe('chainIdsOf', () => {
  it('names every layer of the stack', () => {
    expect(chainIdsOf([a, b, c])).toEqual([chainIdOf([a]), chainIdOf([a, b]), chainIdOf([a, b, c])])
  })

  it('is empty for no layers', () => {
    expect(chainIdsOf([])).toEqual([])
  })
})
