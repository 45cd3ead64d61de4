import { lazy, list, object, string } from '../schema.js'

/** Something a plugin wants to be allowed. */
export interface PluginPrivilege {
  readonly Name?: string | undefined
  readonly Description?: string | undefined
  readonly Value?: readonly string[] | null | undefined
}

/** Schema of {@link PluginPrivilege}. */
export const pluginPrivilege = lazy(() => object<PluginPrivilege>({ Name: string(), Description: string(), Value: list(string()) }))
