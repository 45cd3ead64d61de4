import { SystemInfo } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import type { Transport } from '../../transport/transport.js'
import type { Engine, EngineOptions } from '../engine.js'
import { EngineHandle } from '../engine-handle.js'
import { capabilitiesOf } from './capabilities.js'
import { chooseEngine } from './choose-engine.js'
import { type CheckedEngineOptions, checkEngineOptions } from './engine-options.js'

/** Find an engine and open it. What was opened is closed again when a later step fails. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const checked = checkEngineOptions(options)
  checked.signal?.throwIfAborted()
  const { transport, candidates } = await chooseEngine(checked)
  try {
    refuseForeignRegistries(transport, checked.registries)
    const call = checked.signal === undefined ? {} : { signal: checked.signal }
    const capabilities = capabilitiesOf(await transport.call(SystemInfo, {}, call), transport)
    return new EngineHandle({ transport, candidates, capabilities, registries: checked.registries })
  } catch (error) {
    await transport.close().catch(() => {})
    throw error
  }
}

/** How an engine behind a socket reaches registries is up to its own configuration; only credentials travel with a call. */
function refuseForeignRegistries(transport: Transport, registries: CheckedEngineOptions['registries']): void {
  if (transport.kind === 'in-process') return
  for (const [host, settings] of Object.entries(registries)) {
    const foreign = (['mirrors', 'insecure', 'ca', 'cert', 'key'] as const).find(name => settings[name] !== undefined)
    if (foreign === undefined) continue
    throw new EngineError(
      'not_supported',
      `createEngine.registries[${JSON.stringify(host)}].${foreign}: the engine at ${transport.endpoint} has its own registry settings. ` +
        'Set it there, or use the in-process engine'
    )
  }
}
