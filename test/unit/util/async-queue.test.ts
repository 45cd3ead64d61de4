import { describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../../src/util/async-queue.js'

const collect = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of source) all.push(item)
  return all
}

describe('AsyncQueue', () => {
  it('hands values on in order, those that wait and those that are waited for', async () => {
    const queue = new AsyncQueue<number>()
    queue.push(1)
    const all = collect(queue)
    queue.push(2)
    await Promise.resolve()
    queue.push(3)
    queue.end()
    queue.push(4)
    expect(await all).toEqual([1, 2, 3])
  })

  it('tells the producer when it is full, and when there is room again', async () => {
    const queue = new AsyncQueue<number>({ limit: 2 })
    expect(queue.push(1)).toBeUndefined()
    let hasRoom = false
    const room = queue.push(2)?.then(() => {
      hasRoom = true
    })
    await Promise.resolve()
    expect(hasRoom).toBe(false)
    await queue[Symbol.asyncIterator]().next()
    await room
    expect(hasRoom).toBe(true)
  })

  it('throws its failure after the values before it, once', async () => {
    const queue = new AsyncQueue<number>()
    queue.push(1)
    queue.fail(new Error('broken'))
    const values: number[] = []
    await expect(
      (async () => {
        for await (const value of queue) values.push(value)
      })()
    ).rejects.toThrow('broken')
    expect(values).toEqual([1])
    expect(await collect(queue)).toEqual([])
  })

  it('lets the producer go on when the consumer leaves, and says so once', async () => {
    let left = 0
    const queue = new AsyncQueue<number>({ limit: 1, onLeave: () => left++ })
    const room = queue.push(1)
    for await (const _ of queue) break
    await room
    expect(queue.push(2)).toBeUndefined()
    expect(left).toBe(1)
  })

  it('does not count leaving after the end', async () => {
    let left = 0
    const queue = new AsyncQueue<number>({ onLeave: () => left++ })
    queue.push(1)
    queue.end()
    for await (const _ of queue) break
    expect(left).toBe(0)
  })
})
