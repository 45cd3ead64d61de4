import type { ErrorCode } from './error-code.js'

const brand = Symbol.for('gantry.EngineError')

/** What an {@link EngineError} is made of besides its message. */
export interface EngineErrorOptions {
  /** Facts for programs: the value that failed, the syscall and errno, the registry, the field's path. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * Everything Gantry throws on purpose.
 *
 * Recognise it with {@link EngineError.is} rather than `instanceof` where two copies of the package may be
 * loaded (ESM beside CJS, two versions in one tree): the brand is a registered symbol.
 */
export class EngineError extends Error {
  override readonly name: string = 'EngineError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is an EngineError, whichever copy of the package made it. */
  static is(value: unknown): value is EngineError {
    return typeof value === 'object' && value !== null && brand in value
  }
}
