import { describe, expect, it } from 'vitest'
import type { StoredPort } from '../../../../runtime/networks/network-record.js'
import { portChanges } from '../../../../runtime/networks/port-elements.js'

const port = (hostAddress: string): StoredPort => ({
  protocol: 'tcp',
  containerPort: 80,
  hostAddress,
  hostPort: 8080,
  containerId: 'c',
  address: '172.17.0.2',
  owner: { pid: 1, startTime: '' }
})
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('elements for published ports', () => {
  it('are protocol and port, padded, and lead to address and port', () => {
    const [change] = portChanges('add', [port('0.0.0.0')])
    expect(change).toMatchObject({ map: 'published', action: 'add' })
    expect(hex(change?.key ?? new Uint8Array())).toBe('06000000' + '1f900000')
    expect(hex(change?.value ?? new Uint8Array())).toBe('ac110002' + '00500000')
  })

  it('have the address in front where it is one', () => {
    const [change] = portChanges('delete', [port('127.0.0.1')])
    expect(change).toMatchObject({ map: 'published_on', action: 'delete' })
    expect(hex(change?.key ?? new Uint8Array())).toBe('7f000001' + '06000000' + '1f900000')
  })

  it('are none for IPv6', () => {
    expect(portChanges('add', [port('::')])).toEqual([])
  })
})
