import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionPool, connectionLimits } from '../../../../runtime/daemon/connection-pool.js'

// Needs: nothing.

describe('the connections of a daemon', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const later = () => vi.advanceTimersByTime(2000)
  const add = (pool: ConnectionPool, count: number) =>
    Array.from({ length: count }, () => {
      const connection = new Socket()
      pool.add(connection)
      return connection
    })
  const closed = (connections: readonly Socket[]) => connections.map(({ destroyed }) => destroyed)

  it('have a share of the descriptors', () => {
    expect(connectionLimits(1024)).toEqual({ comfortable: 512, most: 640 })
    expect(connectionLimits(1_048_576)).toEqual({ comfortable: 4096, most: 655_360 })
    expect(connectionLimits().most).toBeGreaterThan(100)
  })

  it('make room, those that have been idle longest first', () => {
    const pool = new ConnectionPool({ comfortable: 3, most: 5 })
    const connections = add(pool, 3)
    later()
    const [newcomer] = add(pool, 1)
    expect(closed(connections)).toEqual([true, false, false])
    expect(newcomer?.destroyed).toBe(false)
    expect(pool.size).toBe(3)
  })

  it('that have just come are left alone while there is room at all', () => {
    const pool = new ConnectionPool({ comfortable: 2, most: 4 })
    const connections = add(pool, 4)
    expect(closed(connections)).toEqual([false, false, false, false])
    add(pool, 1)
    expect(closed(connections)).toEqual([true, false, false, false])
  })

  it('in use are never closed: newcomers are turned away, until one has been answered', () => {
    const pool = new ConnectionPool({ comfortable: 1, most: 2 })
    const connections = add(pool, 2)
    for (const connection of connections) expect(pool.begin(connection)).toBe(true)
    later()
    const refused = new Socket()
    expect(pool.add(refused)).toBe(false)
    expect(pool.begin(refused)).toBe(false)
    expect(closed(connections)).toEqual([false, false])
    pool.finish(connections[0] as Socket)
    later()
    expect(pool.add(new Socket())).toBe(true)
    expect(closed(connections)).toEqual([true, false])
  })

  it('with several requests are in use until the last is answered', () => {
    const pool = new ConnectionPool({ comfortable: 1, most: 9 })
    const [connection] = add(pool, 1) as [Socket]
    pool.begin(connection)
    pool.begin(connection)
    pool.finish(connection)
    later()
    add(pool, 1)
    expect(connection.destroyed).toBe(false)
    pool.finish(connection)
    later()
    add(pool, 1)
    expect(connection.destroyed).toBe(true)
  })

  it('that are closed do not count', async () => {
    const pool = new ConnectionPool({ comfortable: 5, most: 9 })
    const [one, two] = add(pool, 2) as [Socket, Socket]
    pool.begin(two)
    const secure = new Socket()
    pool.replace(one, secure)
    expect(pool.size).toBe(2)
    for (const connection of [one, two, secure]) connection.destroy()
    await new Promise(resolve => setImmediate(resolve))
    expect(pool.size).toBe(0)
  })
})
