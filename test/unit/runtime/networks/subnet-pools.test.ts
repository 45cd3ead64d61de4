import { describe, expect, it } from 'vitest'
import { formatIpv4, formatSubnet, parseIpv4 } from '../../../../runtime/host/netlink/ipv4.js'
import {
  addressesAfter,
  chooseSubnet,
  defaultPools,
  findOverlap,
  gatewayOf,
  macAddressOf
} from '../../../../runtime/networks/subnet-pools.js'

const number = (address: string) => parseIpv4(address) ?? -1
const handedOut = (subnet: string, last?: string) =>
  [...addressesAfter({ subnet, reserved: [gatewayOf(subnet)] }, last === undefined ? undefined : number(last))].map(formatIpv4)

describe('subnets', () => {
  it("come from Docker's pools, in its order", () => {
    const pools = [...defaultPools()].map(formatSubnet)
    expect(pools).toHaveLength(31)
    expect([pools[0], pools[14], pools[15], pools[30]]).toEqual(['172.17.0.0/16', '172.31.0.0/16', '192.168.0.0/20', '192.168.240.0/20'])
  })

  it('are the first that overlaps with nothing', () => {
    expect(chooseSubnet([])).toBe('172.17.0.0/16')
    expect(chooseSubnet(['10.0.0.0/8', '172.17.3.0/24', '172.18.0.0/15'])).toBe('172.20.0.0/16')
    expect(chooseSubnet(['172.16.0.0/12', '192.168.1.0/24'])).toBe('192.168.16.0/20')
    expect(() => chooseSubnet(['172.16.0.0/12', '192.168.0.0/16'])).toThrow(expect.objectContaining({ code: 'resource_exhausted' }))
  })

  it('tell what they overlap with', () => {
    expect(findOverlap('172.17.0.0/16', ['10.0.0.0/8', '172.17.1.0/24'])).toBe('172.17.1.0/24')
    expect(findOverlap('172.17.0.0/16', ['10.0.0.0/8'])).toBeUndefined()
  })

  it('have their first address for the bridge', () => {
    expect(gatewayOf('192.168.16.0/20')).toBe('192.168.16.1')
  })
})

describe('addresses for containers', () => {
  it('begin after the gateway and end before the broadcast address', () => {
    expect(handedOut('10.0.0.0/29')).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
  })

  it('go on after the last one, around the end, and come to the last one at the end', () => {
    expect(handedOut('10.0.0.0/29', '10.0.0.4')).toEqual(['10.0.0.5', '10.0.0.6', '10.0.0.2', '10.0.0.3', '10.0.0.4'])
    expect(handedOut('10.0.0.0/29', '10.0.0.6')[0]).toBe('10.0.0.2')
    expect(handedOut('10.0.0.0/29', '10.9.9.9')[0]).toBe('10.0.0.2')
  })

  it('come from the range asked for, without those that are set aside', () => {
    const range = { subnet: '10.0.0.0/24', range: '10.0.0.4/30', reserved: ['10.0.0.1', '10.0.0.5'] }
    expect([...addressesAfter(range, undefined)].map(formatIpv4)).toEqual(['10.0.0.4', '10.0.0.6', '10.0.0.7'])
  })

  it("have the MAC address that Docker's would have", () => {
    expect(macAddressOf(number('172.17.0.2'))).toBe('02:42:ac:11:00:02')
    expect(macAddressOf(number('10.0.0.10'))).toBe('02:42:0a:00:00:0a')
  })
})
