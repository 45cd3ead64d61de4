const factors = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const

/**
 * A size in bytes, from a number of bytes or text such as `512m`. Units are powers of 1024, as docker reads them: b, k, m, g.
 *
 * @returns undefined when `value` is not a size.
 */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.trunc(value) : undefined
  if (typeof value !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)([bkmg])$/i.exec(value)
  if (match === null) return undefined
  // The reason for the cast: the pattern allows the table's keys and nothing else.
  const unit = (match[2] as string).toLowerCase() as keyof typeof factors
  return Math.trunc(Number(match[1]) * factors[unit])
}
