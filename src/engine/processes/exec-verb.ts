import { checkAbortable } from '../call-scope.js'
import { checkBoolean, checkCommand, checkKeys, checkString, optional, wrongSetting } from '../checks.js'
import type { EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import { checkVariables } from '../images/check-variables.js'
import { ExecDriver, type ExecSettings } from './exec-driver.js'
import { FailedDriver } from './failed-driver.js'
import { ForegroundProcess, type ProcessDriver } from './foreground.js'
import { PipeProcessHandle } from './pipe-process.js'
import type { ExecOptions } from './process.js'
import { TtyProcessHandle } from './tty-process.js'

const execKeys = ['tty', 'env', 'cwd', 'user', 'privileged', 'signal', 'timeout']

/** `exec`: run a command in a running container. A wrong argument is the process's failure, as any other. */
export function execVerb(
  context: EngineContext,
  container: Container,
  argv: unknown,
  options: ExecOptions
): PipeProcessHandle | TtyProcessHandle {
  const tty = typeof options === 'object' && options !== null && options.tty === true
  const process = new ForegroundProcess(driver(context, container, argv, options, tty))
  return tty ? new TtyProcessHandle(process) : new PipeProcessHandle(process)
}

function driver(context: EngineContext, container: Container, argv: unknown, options: unknown, tty: boolean): ProcessDriver {
  try {
    return new ExecDriver(context, container, execSettings(argv, options))
  } catch (error) {
    return new FailedDriver(tty, error)
  }
}

function execSettings(argv: unknown, options: unknown): ExecSettings {
  const given = checkKeys('exec', options, execKeys)
  const words = checkCommand('exec.argv', argv)
  if (words.length === 0) throw wrongSetting('exec.argv', 'a command as a list of words', argv)
  const env = optional(checkVariables, 'exec.env', given.env)
  const cwd = optional(checkString, 'exec.cwd', given.cwd)
  const user = optional(checkString, 'exec.user', given.user)
  const privileged = optional(checkBoolean, 'exec.privileged', given.privileged)
  return {
    argv: words,
    tty: optional(checkBoolean, 'exec.tty', given.tty) ?? false,
    ...(env && { env }),
    ...(cwd !== undefined && { cwd }),
    ...(user !== undefined && { user }),
    ...(privileged !== undefined && { privileged }),
    ...checkAbortable('exec', given)
  }
}
