import type { Collected } from '../../../runtime/registry-server/collect-garbage.js'
import type { Registry, RegistryOptions } from '../../../runtime/registry-server/open-registry.js'

/** How a registry of this process is served. */
export type LocalRegistryOptions = RegistryOptions

/** A registry without an engine: it needs no root. @throws EngineError as `openRegistry` of the runtime */
export async function openLocalRegistry(options: LocalRegistryOptions): Promise<Registry> {
  const [{ openRegistry }, { proxiesOfEnvironment }] = await Promise.all([
    import('../../../runtime/registry-server/open-registry.js'),
    import('../../../runtime/registry/proxy-rules.js')
  ])
  return openRegistry({ ...options, reach: { proxies: () => proxiesOfEnvironment(process.env), ...options.reach } })
}

/** Users of an htpasswd file's text. @throws EngineError `invalid_argument` */
export async function readHtpasswd(text: string, source: string): Promise<NonNullable<LocalRegistryOptions['users']>> {
  const { parseHtpasswd } = await import('../../../runtime/registry-server/users.js')
  return parseHtpasswd(text, source)
}

/** Remove what no manifest in a storage folder names. @throws EngineError for a folder that cannot be used */
export async function collectLocalRegistry(options: { readonly storage: string; readonly graceMs: number }): Promise<Collected> {
  const [{ createStorage }, { collectGarbage }] = await Promise.all([
    import('../../../runtime/registry-server/storage.js'),
    import('../../../runtime/registry-server/collect-garbage.js')
  ])
  return collectGarbage(await createStorage({ root: options.storage }), options)
}
