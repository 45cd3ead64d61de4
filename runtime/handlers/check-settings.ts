import { EngineError } from '../../src/errors/index.js'
import { checkLogConfig } from '../containers/log-options.js'
import { ProxyRules, proxiesOf } from '../registry/proxy-rules.js'
import type { EngineSettings } from '../settings/engine-settings.js'

/**
 * Refuse settings of the engine that no container could be made with, or no registry reached.
 *
 * @throws EngineError `invalid_argument`, `not_implemented` by the name of the setting
 */
export function checkSettings(settings: EngineSettings): void {
  const { logConfig } = settings
  // Of the environment's a pull says that it is wrong: it is not ours.
  new ProxyRules(proxiesOf(settings, {}))
  try {
    checkLogConfig({ Type: logConfig.type, Config: logConfig.options })
  } catch (error) {
    if (!EngineError.is(error)) throw error
    // What the library calls an option has another name in daemon.json.
    const message = error.message.replace('HostConfig.LogConfig.Type', 'log-driver').replace('HostConfig.LogConfig.Config', 'log-opts')
    throw new EngineError(error.code, `log-driver, log-opts: ${message}`, { details: error.details, cause: error })
  }
}
