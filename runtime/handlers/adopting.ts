import type { Handlers } from '../../src/api/index.js'
import { adoptContainer, isLeft } from '../containers/adopt.js'
import type { ContainerContext } from '../containers/container-context.js'

type AnyHandler = (input: { readonly path?: { readonly id?: string } }, context: { readonly signal: AbortSignal }) => Promise<unknown>

/**
 * The same handlers, for containers whose monitor is gone too: whoever has to do with such a container becomes its monitor first. For all
 * others nothing happens before the handler does what it does before it first gives way.
 */
export function adopting(context: ContainerContext, handlers: Handlers): Handlers {
  const adopt = (handler: AnyHandler): AnyHandler => {
    return (input, call) => {
      const id = leftId(context, input.path?.id)
      return id === undefined ? handler(input, call) : adoptContainer(context, id).then(() => handler(input, call))
    }
  }
  // Each handler is wrapped under its own id: input and output stay those of its operation.
  return Object.fromEntries(Object.entries(handlers).map(([id, handler]) => [id, adopt(handler as AnyHandler)])) as Handlers
}

function leftId(context: ContainerContext, idOrName: string | undefined): string | undefined {
  if (idOrName === undefined || context.live.run(idOrName) !== undefined) return undefined
  try {
    const record = context.store.get(idOrName)
    return isLeft(record) ? record.id : undefined
  } catch {
    // What is wrong with the name, the handler says.
    return undefined
  }
}
