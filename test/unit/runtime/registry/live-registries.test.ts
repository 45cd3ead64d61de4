import { describe, expect, it } from 'vitest'
import { InsecureRanges } from '../../../../runtime/registry/insecure-ranges.js'
import { LiveRegistries } from '../../../../runtime/registry/live-registries.js'

// Needs: nothing.

describe('registry settings of a daemon', () => {
  it('are settings by host', () => {
    expect(new LiveRegistries({}, { mirrors: ['https://m'], insecure: ['r:5000'] }).settings).toEqual({
      'docker.io': { mirrors: ['https://m'] },
      'r:5000': { insecure: true }
    })
  })

  it.each([
    [{ mirrors: ['m'], insecure: [] }, /invalid mirror/],
    [{ mirrors: [], insecure: ['http://r'] }, /should not contain ':\/\/'/],
    [{ mirrors: [], insecure: ['10.0.0.0/33'] }, /no range of addresses/],
    [{ mirrors: [], insecure: ['a/8'] }, /no range of addresses/]
  ])('%j is refused', (lists, message) => {
    expect(() => new LiveRegistries({}, lists)).toThrow(message)
  })

  it('change in place, or not at all', () => {
    const registries = new LiveRegistries({ 'own.example': { insecure: true } }, { mirrors: [], insecure: ['r:5000'] })
    const { settings } = registries
    expect(() => registries.change({ mirrors: ['m'], insecure: [] })).toThrow()
    expect(settings).toEqual({ 'own.example': { insecure: true }, 'r:5000': { insecure: true } })
    registries.change({ mirrors: [], insecure: [] })
    expect(settings).toEqual({ 'own.example': { insecure: true } })
  })

  it('a host in an insecure range is insecure from when it is asked for', async () => {
    const registries = new LiveRegistries({}, { mirrors: ['http://10.1.2.3:5000/path'], insecure: ['10.0.0.0/8', 'fd00::/8'] })
    for (const domain of ['docker.io', '10.9.9.9:5000', '11.0.0.1', '[fd00::1]:5000', 'no-such-host.invalid'])
      await registries.settle(domain)
    expect(registries.settings).toEqual({
      'docker.io': { mirrors: ['http://10.1.2.3:5000/path'] },
      '10.1.2.3:5000': { insecure: true },
      '10.9.9.9:5000': { insecure: true },
      '[fd00::1]:5000': { insecure: true }
    })
  })

  it('names are in the ranges of their addresses', async () => {
    expect(await new InsecureRanges(['127.0.0.0/8', '::1/128']).has('localhost:5000')).toBe(true)
    expect(await new InsecureRanges(['10.0.0.0/8']).has('localhost')).toBe(false)
  })
})
