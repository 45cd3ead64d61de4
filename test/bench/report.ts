import type { Samples } from './measure.js'

/** One comparison: ours beside a peer's. */
export interface Comparison {
  readonly work: string
  readonly ours: Samples
  readonly peers: readonly { readonly name: string; readonly samples: Samples }[]
  /** How many times faster than the first peer it is meant to be. */
  readonly goal?: number
}

/** A comparison as lines for a terminal. */
export function report(comparison: Comparison): string {
  const { work, ours, peers, goal } = comparison
  const rows = [['gantry', ours] as const, ...peers.map(({ name, samples }) => [name, samples] as const)]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, samples], index) => {
    const ratio =
      index === 0 ? '' : `   ${(samples.p50 / ours.p50).toFixed(1)}x${index === 1 && goal !== undefined ? ` (goal ${goal}x)` : ''}`
    return `  ${name.padEnd(width)}  p50 ${ms(samples.p50)}  p95 ${ms(samples.p95)}  min ${ms(samples.min)}  n ${samples.count}${ratio}`
  })
  return [work, ...lines, ''].join('\n')
}

function ms(value: number): string {
  return `${value.toFixed(1).padStart(8)} ms`
}
