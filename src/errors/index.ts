export { EngineError, type EngineErrorOptions } from './engine-error.js'
export { type ErrorCode, errorCodes } from './error-code.js'
export { ExitError, type ExitErrorFields } from './exit-error.js'
