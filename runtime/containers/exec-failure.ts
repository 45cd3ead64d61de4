import { EngineError } from '../../src/errors/index.js'
import type { Exec } from './execs.js'

/** What dockerd says an exec ended with that could not be started. */
export const cannotStart = 126

/** Why there is no process, in Docker's words where the OCI runtime's have the same meaning. */
export function execFailure(exec: Exec, runtime: string, said = `${runtime} said nothing`): EngineError {
  const message = `OCI runtime exec failed: exec failed: ${inDockersWords(exec, said)}: unknown`
  return new EngineError('invalid_argument', message, { details: { exec: exec.id, runtime, said, exitCode: cannotStart } })
}

function inDockersWords({ argv }: Exec, text: string): string {
  // runc says so itself.
  const said = text.replace(/^(exec failed: )?unable to start container process: /, '')
  const [program = ''] = argv
  const starting = 'unable to start container process:'
  const folder = /^chdir `(.*)`:/.exec(said)?.[1]
  if (folder !== undefined) {
    const why = said.slice(said.lastIndexOf(':') + 1).trim()
    return `${starting} chdir to cwd ("${folder}") set in config.json failed: ${why.charAt(0).toLowerCase()}${why.slice(1)}`
  }
  const quoted = JSON.stringify(program)
  if (program === '' || (/not found|no such file or directory/i.test(said) && said.includes(program))) {
    return program.includes('/')
      ? `${starting} exec: ${quoted}: stat ${program}: no such file or directory`
      : `${starting} exec: ${quoted}: executable file not found in $PATH`
  }
  // crun looks up a directory or a file without permission and gives the kernel's word for it.
  if (/permission denied|is a directory|open executable: operation not permitted/i.test(said)) {
    return `${starting} exec: ${quoted}: permission denied`
  }
  return `${starting} ${said}`
}
