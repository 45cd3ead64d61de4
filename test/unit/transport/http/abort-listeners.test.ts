import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onAbort } from '../../../../src/transport/http/abort-listeners.js'

describe('onAbort', () => {
  it('tells everybody once, over one listener', () => {
    const controller = new AbortController()
    const told: number[] = []
    for (let n = 0; n < 50; n++) onAbort(controller.signal, () => told.push(n))
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort()
    expect(told).toHaveLength(50)
  })

  it('leaves nothing on the signal when the last one stops listening', () => {
    const controller = new AbortController()
    const [first, second] = [onAbort(controller.signal, () => {}), onAbort(controller.signal, () => {})]
    first()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    second()
    second()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it('does not tell who stopped listening, and a later listener is told', () => {
    const controller = new AbortController()
    const told: string[] = []
    onAbort(controller.signal, () => told.push('gone'))()
    onAbort(controller.signal, () => told.push('here'))
    controller.abort()
    expect(told).toEqual(['here'])
  })

  it('does not tell a listener that another one took off while the abort was told', () => {
    const controller = new AbortController()
    const told: string[] = []
    let off: () => void = () => {}
    onAbort(controller.signal, () => off())
    off = onAbort(controller.signal, () => told.push('told'))
    controller.abort()
    expect(told).toEqual([])
  })
})
