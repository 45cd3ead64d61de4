import type { Engine } from 'gantry'
import { ContainerCreate, ContainerDelete, ImageCommit, ImageDelete, ImageInspect, ImageList, ImageTag } from 'gantry/api'

/** What a removal says, a part each: `untagged <name>`, `deleted <id>`. */
export async function rmi(engine: Engine, name: string, query: { force?: boolean; noprune?: boolean } = {}): Promise<readonly string[]> {
  const parts = await engine.raw.call(ImageDelete, { path: { name }, query })
  return parts.map(({ Untagged, Deleted }) => (Untagged === undefined ? `deleted ${Deleted}` : `untagged ${Untagged}`))
}

export async function tag(engine: Engine, name: string, repo: string, tagName = '1'): Promise<void> {
  await engine.raw.call(ImageTag, { path: { name }, query: { repo, tag: tagName } })
}

export function inspect(engine: Engine, name: string) {
  return engine.raw.call(ImageInspect, { path: { name } })
}

/** Make a container that is not started. @returns its id */
export async function container(engine: Engine, image: string, command: readonly string[] = ['true']): Promise<string> {
  return (await engine.raw.call(ContainerCreate, { body: { Image: image, Cmd: command } })).Id
}

export async function rm(engine: Engine, id: string): Promise<void> {
  await engine.raw.call(ContainerDelete, { path: { id }, query: { force: true } })
}

/** An image made of another one, of settings alone: without a name where none is given. @returns its id */
export async function committed(engine: Engine, base: string, change: string, name?: string): Promise<string> {
  const id = await container(engine, base)
  const [repo, tagName] = name?.split(':') ?? []
  const query = { container: id, changes: [change], ...(repo !== undefined && { repo, tag: tagName ?? 'latest' }) }
  const { Id } = await engine.raw.call(ImageCommit, { query })
  await rm(engine, id)
  return Id
}

/** Ids of the images that a list has. */
export async function listed(
  engine: Engine,
  filters: Readonly<Record<string, readonly string[]>> = {},
  all = false
): Promise<readonly string[]> {
  return (await engine.raw.call(ImageList, { query: { all, filters } })).map(({ Id }) => Id)
}

/** Whether the engine's API is as new as that. */
export async function speaks(engine: Engine, version: string): Promise<boolean> {
  return Number((await engine.info()).apiVersion.split('.')[1]) >= Number(version.split('.')[1])
}
