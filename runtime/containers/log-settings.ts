import { join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerRecord } from './container-record.js'
import { logAttributes } from './log-attributes.js'
import { jsonFormat, type LogFormat, localFormat } from './log-format.js'
import { parseHumanSize, parseTruth, parseWholeNumber } from './log-options.js'
import type { RuntimePaths } from './runtime-paths.js'

/** Where a container's log is, and how it is read. */
export interface LogPlace {
  /** The file that grows; earlier ones are beside it (see `log-rotation.ts`). */
  readonly path: string
  readonly format: LogFormat
  /** Whether there can be earlier files. */
  readonly rotates: boolean
}

/** When a log file is full, and what becomes of it. */
export interface LogRotation {
  /** A file that has so many bytes takes no more entries. */
  readonly maxBytes: number
  /** Files at most, the growing one among them. */
  readonly maxFiles: number
  /** Earlier files are compressed. */
  readonly compress: boolean
}

/** How a log is written. */
export interface LogSettings {
  readonly format: LogFormat
  /** The files are in a folder that is theirs, and made with the first one. */
  readonly ownFolder?: true
  /** There may be a file already, whose writer may have been killed. */
  readonly continues?: boolean
  /** Absent: one file, without a limit. */
  readonly rotation?: LogRotation
  /** What every entry says about its container. */
  readonly attributes?: Readonly<Record<string, string>>
  /** What more than so many bytes are waiting for is lost. Absent: the container waits instead. */
  readonly bufferBytes?: number
}

const defaultBufferBytes = 1024 ** 2

/** Docker's own: five files of 20 MiB, the earlier ones compressed. */
const localRotation: LogRotation = { maxBytes: 20 * 1024 ** 2, maxFiles: 5, compress: true }

/** The log of a container; undefined where its driver keeps none. */
export function logPlace(paths: RuntimePaths, { id, hostConfig }: ContainerRecord): LogPlace | undefined {
  const { Type: driver, Config: options } = hostConfig.LogConfig ?? {}
  if (driver === 'none') return undefined
  if (driver === 'local')
    return { path: join(paths.containerFolder(id), 'local-logs', 'container.log'), format: localFormat, rotates: true }
  return { path: paths.log(id), format: jsonFormat, rotates: options?.['max-size'] !== undefined }
}

/**
 * What the log options of a container mean.
 *
 * @throws EngineError `failed`, in the words in which dockerd refuses to start the container
 */
export function logSettings(record: ContainerRecord): LogSettings {
  const { Type: driver, Config: options } = record.hostConfig.LogConfig ?? {}
  try {
    if (driver === 'local') return { format: localFormat, ownFolder: true, rotation: localOptions(options ?? {}), ...buffer(options ?? {}) }
    if (options === undefined || options === null || Object.keys(options).length === 0) return { format: jsonFormat }
    const rotation = jsonOptions(options)
    const attributes = logAttributes(record, options)
    return {
      format: jsonFormat,
      ...(rotation && { rotation }),
      ...(Object.keys(attributes).length > 0 && { attributes }),
      ...buffer(options)
    }
  } catch (cause) {
    if (EngineError.is(cause)) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('failed', `failed to initialize logging driver: ${why}`, { details: { field: 'HostConfig.LogConfig' }, cause })
  }
}

type Options = Readonly<Record<string, string>>

function jsonOptions(options: Options): LogRotation | undefined {
  const maxBytes = options['max-size'] === undefined ? undefined : sizeOf(options['max-size'])
  if (maxBytes === 0) throw new Error('max-size must be a positive number')
  const maxFiles = parseWholeNumber(options['max-file'] ?? '1')
  if (maxFiles < 1) throw new Error('max-file cannot be less than 1')
  const compress = parseTruth(options.compress ?? 'false')
  if (compress && (maxFiles === 1 || maxBytes === undefined)) {
    throw new Error('compress cannot be true when max-file is less than 2 or max-size is not set')
  }
  return maxBytes === undefined ? undefined : { maxBytes, maxFiles, compress }
}

function localOptions(options: Options): LogRotation {
  const read = <T>(name: string, parse: (text: string) => T, otherwise: T, prefix: (text: string) => string): T => {
    const text = options[name]
    if (text === undefined) return otherwise
    try {
      return parse(text)
    } catch (error) {
      throw new Error(`${prefix(text)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
  const wrongValue = (name: string) => (text: string) => `invalid value for ${name}: ${text}`
  const maxBytes = read('max-size', sizeOf, localRotation.maxBytes, wrongValue('max-size'))
  const maxFiles = read('max-file', parseWholeNumber, localRotation.maxFiles, wrongValue('max-file'))
  const compress = read('compress', parseTruth, localRotation.compress, () => 'error reading compress log option')
  if (compress && maxFiles <= 1) throw new Error('compression cannot be enabled when max file count is 1')
  if (maxFiles < 0) throw new Error('max file count cannot be less than 0')
  return { maxBytes, maxFiles: Math.max(1, maxFiles), compress }
}

/** Rotation counts in powers of 1000, as Docker's does. */
function sizeOf(text: string): number {
  const bytes = parseHumanSize(text, 1000)
  if (bytes === undefined) throw new Error(`invalid size: '${text}'`)
  return bytes
}

function buffer(options: Options): { readonly bufferBytes?: number } {
  if (options.mode !== 'non-blocking') return {}
  return { bufferBytes: parseHumanSize(options['max-buffer-size'] ?? '', 1024) ?? defaultBufferBytes }
}
