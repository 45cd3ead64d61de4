import { constants } from 'node:os'
import { EngineError } from '../../src/errors/index.js'

/**
 * The number of a signal as the Engine API names it: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
 *
 * @throws EngineError `invalid_argument`
 */
export function signalNumber(text: string): number {
  const upper = text.toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const byName = Object.entries(constants.signals).find(([known]) => known === name)?.[1] ?? realTimeSignal(name)
  const number = /^\d+$/.test(text) ? Number(text) : byName
  if (number !== undefined && number > 0 && number <= 64) return number
  throw new EngineError('invalid_argument', `Invalid signal: ${text}`, { details: { signal: text } })
}

/** SIGRTMIN is 34 where the C library keeps two for itself, SIGRTMAX 64. */
function realTimeSignal(name: string): number | undefined {
  const [, base, sign, offset] = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? []
  if (base === undefined) return undefined
  const from = base === 'MIN' ? 34 : 64
  return from + (sign === '-' ? -1 : 1) * Number(offset ?? 0)
}
