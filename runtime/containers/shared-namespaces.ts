import { EngineError } from '../../src/errors/index.js'
import { sharedWith } from '../oci/namespaces.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

/** First processes of the containers whose namespaces a container joins. @throws EngineError `not_found`, `failed` (as in Docker) where one does not run */
export function namespaceOwners(context: ContainerContext, { hostConfig }: ContainerRecord): { readonly pidOwner?: number } {
  const other = sharedWith(hostConfig.PidMode)
  if (other === undefined) return {}
  const { id, state } = context.store.get(other)
  if (state.pid === 0) throw new EngineError('failed', `container ${id} is not running`, { details: { id } })
  return { pidOwner: state.pid }
}
