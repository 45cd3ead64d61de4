import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../../runtime/networks/network-record.js'
import { wayOut } from '../../../../runtime/networks/way-out.js'

const endpoint = (networkName: string, more: Partial<Endpoint> = {}): Endpoint => ({
  networkId: networkName,
  networkName,
  endpointId: networkName,
  address: '172.18.0.2',
  prefixLength: 16,
  gateway: '172.18.0.1',
  macAddress: '02:42:ac:12:00:02',
  hostInterface: 'gty0',
  interfaceName: 'eth0',
  priority: 0,
  internal: false,
  ...more
})

describe('the way out of a container', () => {
  it('is the network of the highest priority, else the first by name', () => {
    expect(wayOut([endpoint('b'), endpoint('a'), endpoint('c')])?.networkName).toBe('a')
    expect(wayOut([endpoint('b', { priority: 1 }), endpoint('a')])?.networkName).toBe('b')
    expect(wayOut([endpoint('b'), endpoint('a', { priority: -1 })])?.networkName).toBe('b')
  })

  it('is never an internal network', () => {
    expect(wayOut([endpoint('a', { internal: true, priority: 9 }), endpoint('b')])?.networkName).toBe('b')
    expect(wayOut([endpoint('a', { internal: true })])).toBeUndefined()
    expect(wayOut([])).toBeUndefined()
  })
})
