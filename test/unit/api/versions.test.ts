import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { operations } from '../../../src/api/operations.js'
import { compareVersions, isAtLeast, newestVersion, oldestVersion, parseVersion, supports } from '../../../src/api/versions.js'

describe('API versions', () => {
  it('are compared by their numbers', () => {
    expect(compareVersions('1.9', '1.10')).toBeLessThan(0)
    expect(compareVersions('2.0', '1.99')).toBeGreaterThan(0)
    expect(isAtLeast('1.41', '1.41')).toBe(true)
    expect(isAtLeast('1.41', '1.42')).toBe(false)
    const version = fc.tuple(fc.nat(99), fc.nat(99)).map(parts => parts.join('.'))
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0)
        expect(compareVersions(a, a)).toBe(0)
      })
    )
  })

  it.each(['', '1', 'v1.41', '1.41.0', '1.x', '1.99999999999'])('%j is none', text => {
    expect(() => parseVersion(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('are spoken from 1.24 to 1.55', () => {
    expect([oldestVersion, newestVersion]).toEqual(['1.24', '1.55'])
    for (const { since, until } of Object.values(operations)) {
      for (const version of [since, until]) if (version !== undefined) expect(isAtLeast(newestVersion, version)).toBe(true)
    }
  })

  it('tell what an engine has', () => {
    expect(supports(operations.ContainerStart, '1.24')).toBe(true)
    expect(supports(operations.VolumeUpdate, '1.41')).toBe(false)
    expect(supports(operations.VolumeUpdate, '1.42')).toBe(true)
    expect(supports({ until: '1.51' }, '1.52')).toBe(false)
    expect(supports({ since: '1.39', until: '1.51' }, '1.51')).toBe(true)
  })
})
