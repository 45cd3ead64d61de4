import { getSystemErrorMap } from 'node:util'
import { EngineError } from '../../src/errors/engine-error.js'
import type { ErrorCode } from '../../src/errors/error-code.js'

/** A system call failed: which one, on what, and the errno's name. */
export class SystemCallError extends EngineError {
  override readonly name = 'SystemCallError'
  /** `ENOENT`, `EBUSY`, ... */
  readonly errno: string
  readonly syscall: string

  /** @param subject what it was called on: a path, a device's name. Part of the message. */
  constructor(syscall: string, errno: number | string, subject = '', details: Readonly<Record<string, unknown>> = {}) {
    const [name, text] = typeof errno === 'number' ? describeErrno(errno) : [errno, '']
    super(codeOf(name), `${syscall}${subject === '' ? '' : ` ${subject}`} failed: ${name}${text === '' ? '' : ` (${text})`}`, {
      details: { syscall, errno: name, ...(subject === '' ? {} : { subject }), ...details }
    })
    this.errno = name
    this.syscall = syscall
  }
}

/** The errno's name where `error` has one: ours, also when it came from another thread, or that of a Node file system call. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const errno = EngineError.is(error) ? error.details.errno : 'code' in error ? error.code : undefined
  return typeof errno === 'string' ? linuxName(errno) : undefined
}

/** Name and text of a positive errno. */
function describeErrno(errno: number): readonly [name: string, text: string] {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, '']
  return linuxName(name) === name ? [name, text] : [linuxName(name), 'operation not supported']
}

/** Node calls number 95 as other systems do, for whom it is about sockets. */
function linuxName(errno: string): string {
  return errno === 'ENOTSUP' ? 'EOPNOTSUPP' : errno
}

function codeOf(errno: string): ErrorCode {
  switch (errno) {
    case 'EPERM':
    case 'EACCES':
    case 'EROFS':
      return 'permission_denied'
    case 'ENOSPC':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
    case 'EDQUOT':
      return 'resource_exhausted'
    case 'ENOSYS':
    case 'EOPNOTSUPP':
      return 'not_supported'
    default:
      return 'failed'
  }
}
