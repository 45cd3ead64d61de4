import type { LogConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

/** Log drivers that are built, in the order of their names. */
export const logDrivers = ['json-file', 'local', 'none'] as const

/** How a log takes what is written: the container waits for it, or what there is no room for is lost. */
const modes: readonly string[] = ['', 'blocking', 'non-blocking']

/** Options that Docker reads before it asks the driver; those about its cache are for drivers that cannot be read. */
const commonOptions: ReadonlySet<string> = new Set([
  'mode',
  'max-buffer-size',
  'cache-disabled',
  'cache-max-size',
  'cache-max-file',
  'cache-compress'
])

const driverOptions: Readonly<Record<string, ReadonlySet<string>>> = {
  'json-file': new Set(['max-size', 'max-file', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag']),
  local: new Set(['max-size', 'max-file', 'compress'])
}

/** Drivers that dockerd has and this engine has not. */
const foreignDrivers: ReadonlySet<string> = new Set([
  'awslogs',
  'etwlogs',
  'fluentd',
  'gcplogs',
  'gelf',
  'journald',
  'logentries',
  'splunk',
  'syslog'
])

/**
 * Refuse what dockerd refuses when a container is made: drivers and options by their names. What the options say is read at the start.
 *
 * @throws EngineError `invalid_argument`, in Docker's words; `not_implemented` (a driver that only dockerd has)
 */
export function checkLogConfig({ Type: driver = '', Config }: LogConfig): void {
  if (driver === 'none') return
  const options = Config ?? {}
  if (foreignDrivers.has(driver)) {
    throw new EngineError(
      'not_implemented',
      `HostConfig.LogConfig.Type: the log driver ${driver} is not built yet in the in-process runtime`,
      {
        details: { field: 'HostConfig.LogConfig.Type', value: driver }
      }
    )
  }
  const known = driverOptions[driver]
  if (known === undefined) throw invalid('Type', driver, `error looking up logging plugin ${driver}: plugin "${driver}" not found`)
  const { mode = '', 'max-buffer-size': buffer } = options
  if (!modes.includes(mode)) throw invalid('Config.mode', mode, `logger: logging mode not supported: ${mode}`)
  if (buffer !== undefined) {
    const field = 'Config.max-buffer-size'
    if (mode !== 'non-blocking') {
      throw invalid(field, buffer, "logger: max-buffer-size option is only supported with 'mode=non-blocking'")
    }
    if (parseHumanSize(buffer, 1024) === undefined) {
      throw invalid(field, buffer, `error parsing option max-buffer-size: invalid size: '${buffer}'`)
    }
  }
  for (const [name, value] of Object.entries(options)) {
    if (known.has(name) || commonOptions.has(name)) continue
    const whose = driver === 'local' ? `log driver ${driver}` : `${driver} log driver`
    throw invalid(`Config.${name}`, value, `unknown log opt '${name}' for ${whose}`)
  }
}

/** A size as Docker's options write it (`10m`, `1.5 kB`), in bytes; undefined where it is none. `base` is what one `k` counts. */
export function parseHumanSize(text: string, base: 1000 | 1024): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text)
  if (match?.[1] === undefined) return undefined
  const exponent = match[2] === undefined ? 0 : 'kmgtp'.indexOf(match[2].toLowerCase()) + 1
  return Math.trunc(Number(match[1]) * base ** exponent)
}

/** @throws Error in the words of Go's `strconv.Atoi` */
export function parseWholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

/** @throws Error in the words of Go's `strconv.ParseBool` */
export function parseTruth(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function invalid(field: string, value: string, message: string): EngineError {
  return new EngineError('invalid_argument', message, { details: { field: `HostConfig.LogConfig.${field}`, value } })
}
