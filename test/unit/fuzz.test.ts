// Needs: root on Linux.
import { describe, expect, it } from 'vitest'
import { fuzz } from '../fuzz/fuzz.js'
import { isRoot } from './runtime/layers/temporary-folder.js'

// Other seeds every day: what is found says with which one it is found again.
const today = Math.floor(Date.now() / 86_400_000) * 100_000

describe.skipIf(!isRoot)('two thousand hostile archives (needs root)', () => {
  it('change nothing outside their target, whether unpacked as layers, copied into a container or out of one, or loaded as images', {
    timeout: 120_000
  }, async () => {
    const { failures, outcomes } = await fuzz({ count: 2000, seed: today })
    expect(failures.map(({ seed, what }) => `npm run fuzz -- --count 1 --seed ${seed}: ${what}`)).toEqual([])
    for (const outcome of ['layer done', 'put done', 'get done', 'load done']) expect(outcomes.get(outcome), outcome).toBeGreaterThan(10)
  })
})
