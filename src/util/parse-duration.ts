const factors = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/**
 * A time in milliseconds, from a number of milliseconds or text such as `10s`. Units: ms, s, m, h.
 *
 * @returns undefined when `value` is not a duration.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value)
  if (match === null) return undefined
  // The reason for the cast: the pattern allows the table's keys and nothing else.
  return Number(match[1]) * factors[match[2] as keyof typeof factors]
}
