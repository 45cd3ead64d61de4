import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRegistryAuth, decodeRegistryConfig, encodeRegistryAuth, encodeRegistryConfig } from '../../../src/api/registry-auth.js'

describe('registry credentials in headers', () => {
  it('come back as they were written', () => {
    const auth = fc.record({
      username: fc.string({ unit: 'grapheme' }),
      password: fc.string({ unit: 'grapheme' }),
      serveraddress: fc.string()
    })
    fc.assert(
      fc.property(auth, value => {
        const header = encodeRegistryAuth(value)
        expect(header).toMatch(/^[\w-]+=*$/)
        expect(header.length % 4).toBe(0)
        expect(decodeRegistryAuth(header)).toEqual(value)
        expect(decodeRegistryConfig(encodeRegistryConfig({ 'x.test': value }))).toEqual({ 'x.test': value })
      })
    )
  })

  it('are read in either alphabet, padded or not', () => {
    const json = '{"username":"\u00fe\u00ff\u00fe?>","password":"p"}'
    const expected = JSON.parse(json)
    for (const encoding of ['base64', 'base64url'] as const)
      expect(decodeRegistryAuth(Buffer.from(json).toString(encoding))).toEqual(expected)
    expect(decodeRegistryAuth(Buffer.from(json).toString('base64').replace(/=+$/, ''))).toEqual(expected)
  })

  it('are none when the header is empty', () => {
    expect(decodeRegistryAuth('')).toEqual({})
    expect(decodeRegistryAuth(encodeRegistryAuth({}))).toEqual({})
  })

  it('are not repeated in the error when they cannot be read', () => {
    for (const header of [
      Buffer.from('{"password":"hunter2"').toString('base64'),
      Buffer.from('"hunter2"').toString('base64'),
      'hunter2'
    ]) {
      try {
        decodeRegistryAuth(header)
        expect.unreachable()
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_argument' })
        expect(String(error) + JSON.stringify(error) + String((error as Error).cause)).not.toContain('hunter2')
      }
    }
  })
})
