import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv4, formatSubnet, lastAddress, overlaps, parseIpv4, parseSubnet } from '../../../../../runtime/host/netlink/ipv4.js'

describe('IPv4 addresses', () => {
  it('come out as they went in', () => {
    fc.assert(fc.property(fc.ipV4(), address => formatIpv4(parseIpv4(address) ?? -1) === address))
  })

  it.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1..2.3', 'a.b.c.d', '1.2.3.-4', ' 1.2.3.4'])("are not '%s'", text => {
    expect(parseIpv4(text)).toBeUndefined()
  })
})

describe('subnets', () => {
  const subnet = (text: string) => parseSubnet(text) ?? { first: 0, prefixLength: 0 }

  it('lose their host bits', () => {
    expect(formatSubnet(subnet('172.17.9.9/16'))).toBe('172.17.0.0/16')
    expect(formatIpv4(lastAddress(subnet('192.168.16.0/20')))).toBe('192.168.31.255')
  })

  it.each(['172.17.0.0', '172.17.0.0/33', '172.17.0.0/x', '172.17.0.0/16/8', '/16'])("are not '%s'", text => {
    expect(parseSubnet(text)).toBeUndefined()
  })

  it.each([
    ['172.17.0.0/16', '172.17.255.0/24', true],
    ['172.17.0.0/16', '172.16.0.0/12', true],
    ['172.17.0.0/16', '172.18.0.0/16', false],
    ['0.0.0.0/0', '255.255.255.255/32', true]
  ])('%s and %s overlap: %s', (a, b, expected) => {
    expect(overlaps(subnet(a), subnet(b))).toBe(expected)
    expect(overlaps(subnet(b), subnet(a))).toBe(expected)
  })
})
