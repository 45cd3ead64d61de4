import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'
import { checkName } from './container-names.js'
import { containerAttributes } from './event-attributes.js'

/** Give a container another name. @throws EngineError `already_exists`, `invalid_argument`, `not_found` */
export async function renameContainer(context: ContainerContext, idOrName: string, newName: string): Promise<void> {
  const record = context.store.get(idOrName)
  if (newName === '') throw new EngineError('invalid_argument', 'Neither old nor new names may be empty')
  const name = checkName(newName)
  if (name === record.name) {
    throw new EngineError('invalid_argument', 'Renaming a container with the same name as its current name', { details: { name } })
  }
  const renamed = await context.store.rename(record.id, name)
  // Its neighbours find it by the new name, and no longer by the old one.
  const isFound = (record.state.endpoints ?? []).some(({ hostInterface }) => hostInterface !== '')
  if (isFound)
    await context.networks.rename(record.id, stored => ({
      ...stored,
      containerName: name,
      names: replaced(stored.names, record.name, name)
    }))
  context.events.publish({
    Type: 'container',
    Action: 'rename',
    id: record.id,
    attributes: { ...containerAttributes(renamed), oldName: `/${record.name}` }
  })
}

function replaced(names: readonly string[], old: string, name: string): readonly string[] {
  return names.map(known => (known === old ? name : known))
}
