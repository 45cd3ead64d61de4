import { describe, expect, it } from 'vitest'
import { DetachFilter, defaultDetachKeys, parseDetachKeys } from '../../../../runtime/containers/detach-keys.js'

const bytes = (text: string) => Buffer.from(text, 'latin1')

describe('detach keys', () => {
  it('are single characters and control keys with commas between them', () => {
    expect(parseDetachKeys('ctrl-a,x,ctrl-@,ctrl-_,ctrl-[')).toEqual(Uint8Array.of(1, 120, 0, 31, 27))
  })

  it('that are none are not guessed at', () => {
    for (const text of ['ctrl-xx', 'ab', 'ctrl-A', 'ctrl-', 'a,,b']) expect(parseDetachKeys(text)).toBeUndefined()
  })

  it('are found across pieces, and what comes after them is dropped', () => {
    const filter = new DetachFilter(defaultDetachKeys)
    expect(filter.push(bytes('ls\x10'))).toEqual({ pass: Uint8Array.from(bytes('ls')), detached: false })
    expect(filter.push(bytes('\x11rest'))).toEqual({ pass: new Uint8Array(), detached: true })
  })

  it('that stay incomplete are passed on with what follows', () => {
    const filter = new DetachFilter(defaultDetachKeys)
    expect(Buffer.from(filter.push(bytes('\x10\x10a\x10b')).pass).toString('latin1')).toBe('\x10\x10a\x10b')
  })
})
