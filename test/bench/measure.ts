import { setTimeout as sleep } from 'node:timers/promises'

const pauseMs = 200

/** Times of one piece of work, in milliseconds. */
export interface Samples {
  readonly p50: number
  readonly p95: number
  readonly min: number
  readonly count: number
}

/**
 * Run pieces of work in turns, so that what else the machine does falls on all. The first rounds are not counted, and before each piece there
 * is a pause: engines go on cleaning up after they have answered, and that is not the next one's time.
 */
export async function inTurns(
  works: readonly (() => Promise<unknown>)[],
  options: { readonly rounds: number; readonly warmUp: number }
): Promise<readonly Samples[]> {
  const times: number[][] = works.map(() => [])
  for (let round = -options.warmUp; round < options.rounds; round++) {
    for (const [index, work] of works.entries()) {
      await sleep(pauseMs)
      const ms = await timeOf(work)
      if (round >= 0) times[index]?.push(ms)
    }
  }
  return times.map(samplesOf)
}

/** Milliseconds that one piece of work takes. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

export function samplesOf(times: readonly number[]): Samples {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), min: at(0), count: sorted.length }
}
