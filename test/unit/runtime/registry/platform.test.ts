import { describe, expect, it } from 'vitest'
import { choosePlatform, compatiblePlatforms, formatPlatform, hostPlatform, parsePlatform } from '../../../../runtime/registry/platform.js'

describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['amd64', 'linux/amd64'],
    ['aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['Linux/ARM/v6', 'linux/arm/v6'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['windows/amd64', 'windows/amd64']
  ])('reads %s as %s', (text, normal) => {
    expect(formatPlatform(parsePlatform(text))).toBe(normal)
  })

  it.each(['', 'linux', 'linux/', 'a/b/c/d', 'linux/am d64'])('refuses %j', text => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe('choosePlatform', () => {
  const choose = (available: string[], wanted: string) => {
    const found = choosePlatform(
      available.map(text => ({ text, platform: parsePlatform(text) })),
      parsePlatform(wanted)
    )
    return found?.text
  }

  it('takes the nearest lower variant of ARM', () => {
    expect(choose(['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7')).toBe('linux/arm/v7')
    expect(choose(['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v7')).toBe('linux/arm/v6')
    expect(choose(['linux/arm/v7'], 'linux/arm/v6')).toBeUndefined()
  })

  it('falls back to 32 bits only when there is nothing better', () => {
    expect(choose(['linux/386', 'linux/amd64'], 'linux/amd64')).toBe('linux/amd64')
    expect(choose(['linux/386'], 'linux/amd64')).toBe('linux/386')
    expect(choose(['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64')).toBe('linux/arm64/v8')
    expect(choose(['linux/arm/v7'], 'linux/arm64')).toBe('linux/arm/v7')
  })

  it('does not run a higher x86 level, and runs lower ones', () => {
    expect(choose(['linux/amd64/v3'], 'linux/amd64')).toBeUndefined()
    expect(choose(['linux/amd64', 'linux/amd64/v2'], 'linux/amd64/v3')).toBe('linux/amd64/v2')
  })

  it('never crosses systems or architectures', () => {
    expect(choose(['windows/amd64', 'linux/s390x'], 'linux/amd64')).toBeUndefined()
  })

  it('has an order for every platform that begins with the platform itself', () => {
    for (const text of ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/riscv64']) {
      expect(compatiblePlatforms(parsePlatform(text))[0]).toEqual(parsePlatform(text))
    }
    expect(hostPlatform().os).toBe('linux')
  })
})
