import { describe, expect, it } from 'vitest'
import { LineSplitter } from '../../../src/util/line-splitter.js'
import { linkSignals } from '../../../src/util/link-signals.js'
import { once } from '../../../src/util/once.js'
import { parseDuration } from '../../../src/util/parse-duration.js'
import { parseSize } from '../../../src/util/parse-size.js'

describe('parseSize', () => {
  it.each([
    [0, 0],
    [1024, 1024],
    ['5b', 5],
    ['1k', 1024],
    ['512m', 536_870_912],
    ['1.5g', 1_610_612_736],
    ['2G', 2_147_483_648]
  ])('%j is %d bytes', (value, bytes) => {
    expect(parseSize(value)).toBe(bytes)
  })

  it.each(['', '512', 'm', '1 g', '-1m', '1t', -1, Number.NaN, true, null])('%j is no size', value => {
    expect(parseSize(value)).toBeUndefined()
  })
})

describe('parseDuration', () => {
  it.each([
    [250, 250],
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000]
  ])('%j is %d milliseconds', (value, ms) => {
    expect(parseDuration(value)).toBe(ms)
  })

  it.each(['', '10', 's', '1 s', '-1s', '1d', -5, Number.POSITIVE_INFINITY, {}])('%j is no duration', value => {
    expect(parseDuration(value)).toBeUndefined()
  })
})

describe('LineSplitter', () => {
  it('cuts pieces into lines, wherever they were cut before', () => {
    const bytes = Buffer.from('one\r\ntwé\n\nrest')
    for (let cut = 0; cut <= bytes.length; cut++) {
      const splitter = new LineSplitter()
      const lines = [...splitter.push(bytes.subarray(0, cut)), ...splitter.push(bytes.subarray(cut)), ...splitter.end()]
      expect(lines).toEqual(['one', 'twé', '', 'rest'])
    }
  })
})

describe('linkSignals', () => {
  it('follows whichever is aborted first, with its reason', () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const { signal } = linkSignals(first.signal, undefined, second.signal)
    second.abort('enough')
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough'])
    expect(linkSignals(first.signal, second.signal).signal.reason).toBe('enough')
  })

  it('follows no more once it is released', () => {
    const source = new AbortController()
    const linked = linkSignals(source.signal)
    linked.release()
    source.abort()
    expect(linked.signal.aborted).toBe(false)
  })
})

it('a signal that very many follow causes no warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => {
    warnings.push(warning)
  }
  process.on('warning', note)
  const source = new AbortController()
  const all = Array.from({ length: 50 }, () => linkSignals(source.signal))
  for (const linked of all.slice(0, 25)) linked.release()
  await new Promise(resolve => setImmediate(resolve))
  source.abort()
  process.off('warning', note)
  expect(warnings).toEqual([])
  expect(all.map(({ signal }) => signal.aborted)).toEqual([...Array(25).fill(false), ...Array(25).fill(true)])
})

it('once does its work once', () => {
  let count = 0
  const next = once(() => ++count)
  expect([next(), next(), count]).toEqual([1, 1, 1])
})
