import { checkAbortable } from '../call-scope.js'
import { checkBoolean, checkCommand, checkKeys, checkOneOf, checkString, optional } from '../checks.js'
import type { EngineContext } from '../context.js'
import { checkVariables } from '../images/check-variables.js'
import type { SpecSettings } from '../images/spec-settings.js'
import { FailedDriver } from './failed-driver.js'
import { ForegroundProcess, type ProcessDriver } from './foreground.js'
import { PipeProcessHandle } from './pipe-process.js'
import type { RunOptions } from './process.js'
import { RunDriver, type RunSettings } from './run-driver.js'
import { TtyProcessHandle } from './tty-process.js'

const runKeys = ['tty', 'env', 'cwd', 'user', 'privileged', 'name', 'remove', 'keep', 'pull', 'signal', 'timeout']

/** `run`: make sense of its arguments and start the process. A wrong argument is the process's failure, as any other. */
export function runVerb(
  context: EngineContext,
  spec: SpecSettings,
  first: string[] | RunOptions | undefined,
  second: RunOptions | undefined
): PipeProcessHandle | TtyProcessHandle {
  const [argv, options = {}] = first === undefined || Array.isArray(first) ? [first, second] : [undefined, first]
  const process = new ForegroundProcess(driver(context, spec, argv, options))
  return isTty(options) ? new TtyProcessHandle(process) : new PipeProcessHandle(process)
}

function driver(context: EngineContext, spec: SpecSettings, argv: unknown, options: unknown): ProcessDriver {
  try {
    const given = checkKeys('run', options, runKeys)
    return new RunDriver(context, runSpec(spec, argv, given), runSettings(given))
  } catch (error) {
    return new FailedDriver(isTty(options), error)
  }
}

function runSpec(spec: SpecSettings, argv: unknown, given: Readonly<Record<string, unknown>>): SpecSettings {
  const cmd = optional(checkCommand, 'run.argv', argv)
  const env = optional(checkVariables, 'run.env', given.env)
  const cwd = optional(checkString, 'run.cwd', given.cwd)
  const user = optional(checkString, 'run.user', given.user)
  const privileged = optional(checkBoolean, 'run.privileged', given.privileged)
  return {
    ...spec,
    ...(cmd && { cmd }),
    ...(env && { env: { ...spec.env, ...env } }),
    ...(cwd !== undefined && { cwd }),
    ...(user !== undefined && { user }),
    ...(privileged !== undefined && { privileged })
  }
}

function runSettings(given: Readonly<Record<string, unknown>>): RunSettings {
  const name = optional(checkString, 'run.name', given.name)
  return {
    tty: optional(checkBoolean, 'run.tty', given.tty) ?? false,
    remove: optional(checkBoolean, 'run.remove', given.remove) ?? false,
    keep: optional(checkBoolean, 'run.keep', given.keep) ?? false,
    pull: given.pull === undefined ? 'missing' : checkOneOf('run.pull', given.pull, ['missing', 'always', 'never']),
    ...checkAbortable('run', given),
    ...(name !== undefined && { name })
  }
}

function isTty(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'tty' in options && options.tty === true
}
