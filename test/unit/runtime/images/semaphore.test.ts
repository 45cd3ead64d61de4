import { describe, expect, it } from 'vitest'
import { Semaphore } from '../../../../runtime/images/semaphore.js'

// Needs: nothing.

const { signal } = new AbortController()

describe('a semaphore', () => {
  const crowd = (semaphore: Semaphore, count: number) => {
    const inside: (() => void)[] = []
    const all = Array.from({ length: count }, () => semaphore.acquire(signal).then(leave => inside.push(leave)))
    return { inside, all }
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))

  it('lets so many in at a time, in order', async () => {
    const semaphore = new Semaphore(2)
    const { inside, all } = crowd(semaphore, 4)
    await turn()
    expect([inside.length, semaphore.isFull]).toEqual([2, true])
    inside[0]?.()
    await turn()
    expect(inside).toHaveLength(3)
    inside[1]?.()
    inside[2]?.()
    await Promise.all(all)
    inside[3]?.()
    expect(semaphore.isFull).toBe(false)
  })

  it('may be made larger and smaller; who is in stays', async () => {
    const semaphore = new Semaphore(1)
    const { inside } = crowd(semaphore, 5)
    semaphore.places = 3
    await turn()
    expect(inside).toHaveLength(3)
    semaphore.places = 1
    inside[0]?.()
    inside[1]?.()
    await turn()
    expect([inside.length, semaphore.isFull]).toEqual([3, true])
    inside[2]?.()
    await turn()
    expect(inside).toHaveLength(4)
  })

  it('who gives up is not let in', async () => {
    const semaphore = new Semaphore(1)
    const leave = await semaphore.acquire(signal)
    const abort = new AbortController()
    const waiting = semaphore.acquire(abort.signal)
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    leave()
    expect(semaphore.isFull).toBe(false)
  })
})
