let lastMicros = 0

/**
 * Now as the Engine API writes times: RFC 3339 in UTC with nanoseconds. Every call in this process gives a later time than the one before,
 * so that what is sorted by it keeps its order; the system clock has milliseconds.
 */
export function nanoTime(): string {
  lastMicros = Math.max(lastMicros + 1, Date.now() * 1000)
  const seconds = new Date(Math.floor(lastMicros / 1000)).toISOString().slice(0, 19)
  return `${seconds}.${String(lastMicros % 1_000_000).padStart(6, '0')}000Z`
}

/** Nanoseconds since 1970 of a time that {@link nanoTime} or a log wrote. */
export function nanosecondsOf(time: string): bigint {
  const [, seconds = time, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? []
  return BigInt(Date.parse(`${seconds.replace(/Z$/, '')}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9) || '0')
}

/**
 * A point in time as Engine API query parameters give it (`since`, `until`): UNIX seconds with an optional fraction, or RFC 3339.
 * Undefined where it is neither.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const unix = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(text)
  if (unix?.[1] !== undefined) return BigInt(unix[1]) * 1_000_000_000n + BigInt((unix[2] ?? '').padEnd(9, '0'))
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n
}

/** The reverse of {@link nanosecondsOf}: RFC 3339 in UTC with nanoseconds. */
export function timeOf(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`
}
