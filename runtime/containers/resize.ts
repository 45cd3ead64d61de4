import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'

/** Set the size of a running container's terminal. @throws EngineError `conflict` where there is none to resize */
export function resizeContainer(
  context: ContainerContext,
  idOrName: string,
  size: { readonly columns: number; readonly rows: number }
): void {
  const { id, config, state, name } = context.store.get(idOrName)
  const terminal = state.status === 'running' ? context.live.io(id, config).terminalFd : undefined
  if (terminal === undefined) {
    const why = state.status === 'running' ? 'has no terminal in this process' : 'is not running'
    throw new EngineError('conflict', `cannot resize container ${name}: it ${why}`, { details: { id } })
  }
  context.host.resizeTerminal(terminal, size)
}
