import type { Handlers } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

/** What can be asked of plugins where there are none: `docker inspect` asks for one when nothing else has the name. */
export function pluginHandlers(): Handlers {
  return {
    PluginList: async () => [],

    async PluginInspect({ path: { name } }) {
      throw new EngineError('not_found', `plugin ${JSON.stringify(name)} not found`, { details: { plugin: name } })
    }
  }
}
