import { ContainerInspect, ExecInspect, ServiceInspect, TaskInspect } from '../../api/index.js'
import type { Operation, OperationInput } from '../../api/operation.js'
import { isAtLeast } from '../../api/versions.js'
import type { CallOptions, Transport } from '../transport.js'

/** How a process's output is written: `framed` tells stdout from stderr, `raw` is what a terminal shows. */
export type OutputForm = 'framed' | 'raw'

/** From this version on the response says how its output is written. */
const saidFrom = '1.42'

/** What the response itself says, where that can be relied on. */
export function formFromResponse(contentType: string | undefined, apiVersion: string): OutputForm | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/vnd.docker.multiplexed-stream') return 'framed'
  // Before, engines called everything a raw stream.
  if (type === 'application/vnd.docker.raw-stream' && isAtLeast(apiVersion, saidFrom)) return 'raw'
  return undefined
}

/**
 * Whether the process behind a call has a terminal, found out before the call: afterwards the output is already on its
 * way. Undefined where the response is going to say.
 */
export async function findTerminal(
  transport: Transport,
  operation: Operation,
  input: OperationInput,
  options: CallOptions
): Promise<boolean | undefined> {
  const hint = options.tty ?? terminalOfExec(operation, input)
  if (hint !== undefined) return hint
  // Without Tty in its body an engine would frame even a terminal's output, so exec is always asked for.
  if (isAtLeast(transport.apiVersion, saidFrom) && operation.id !== 'ExecStart') return undefined
  const path = { id: input.path?.id ?? '' }
  const asking: CallOptions = options.signal === undefined ? {} : { signal: options.signal }
  switch (operation.id) {
    case 'ContainerAttach':
    case 'ContainerLogs':
      return (await transport.call(ContainerInspect, { path }, asking)).Config?.Tty ?? false
    case 'ExecStart':
      return (await transport.call(ExecInspect, { path }, asking)).ProcessConfig?.tty ?? false
    case 'ServiceLogs':
      return (await transport.call(ServiceInspect, { path }, asking)).Spec?.TaskTemplate?.ContainerSpec?.TTY ?? false
    case 'TaskLogs':
      return (await transport.call(TaskInspect, { path }, asking)).Spec?.ContainerSpec?.TTY ?? false
    default:
      return undefined
  }
}

function terminalOfExec(operation: Operation, input: OperationInput): boolean | undefined {
  if (operation.id !== 'ExecStart' || typeof input.body !== 'object' || input.body === null) return undefined
  if ('Detach' in input.body && input.body.Detach === true) return false
  return 'Tty' in input.body && typeof input.body.Tty === 'boolean' ? input.body.Tty : undefined
}
