import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

/**
 * The error for a bundle that the OCI runtime could not start, in Docker's words where the command is to blame: programs (the docker
 * command among them) read exit codes 126 and 127 out of these.
 */
export async function startFailure(
  context: ContainerContext,
  record: ContainerRecord,
  rootfs: string,
  runtimeExitCode: number | null
): Promise<EngineError> {
  const { oci } = context
  const said =
    (await oci.failure(context.paths.bundle(record.id))) ?? `${oci.name} ended with code ${runtimeExitCode ?? 'none'} and said nothing`
  const details = { container: record.id, runtime: oci.path, said }
  const command = record.path
  const isMissing = /not found|no such file or directory/i.test(said) && said.includes(command)
  if (isMissing || /permission denied|is a directory|open executable/i.test(said)) {
    const why = await whyNotExecutable(context, rootfs, command)
    const exitCode = why === 'permission denied' || why === 'is a directory' ? 126 : 127
    return new EngineError(
      'invalid_argument',
      `OCI runtime create failed: ${oci.name}: exec: ${JSON.stringify(command)}: ${why}: unknown`,
      {
        details: { ...details, exitCode }
      }
    )
  }
  return new EngineError('failed', `OCI runtime create failed: ${oci.name}: ${said}: unknown`, { details: { ...details, exitCode: 128 } })
}

/** crun says "not found" of everything it cannot execute: look whether something is there. */
async function whyNotExecutable(context: ContainerContext, rootfs: string, command: string): Promise<string> {
  if (!command.includes('/')) return 'executable file not found in $PATH'
  try {
    const found = await context.host.readFileIn(rootfs, command, 1)
    return found === undefined ? 'no such file or directory' : 'permission denied'
  } catch (error) {
    return EngineError.is(error) && error.details.errno === 'EISDIR' ? 'is a directory' : 'permission denied'
  }
}
