import { EngineError } from '../errors/index.js'
import { collectLocalRegistry, openLocalRegistry } from '../transport/in-process/open-registry.js'
import { Log } from './log.js'
import { defaultStorage, type RegistrySettings, registryOptions } from './registry-settings.js'
import { stopSignal } from './stop-signal.js'

/** How long requests may take to finish when it stops, in milliseconds. */
const graceMs = 10_000

/** Age of garbage when nothing is said, in milliseconds: longer than any push takes. */
const defaultAgeMs = 24 * 60 * 60 * 1000

/**
 * Serve a registry until a signal says stop; or collect garbage and end.
 *
 * @throws EngineError what cannot be served
 */
export async function runRegistry(settings: RegistrySettings, version: string): Promise<void> {
  const log = new Log(settings.debug ? 'debug' : 'info')
  if (settings.gc !== undefined) return collect(settings, log)
  const stopped = stopSignal()
  process.on('unhandledRejection', reason =>
    log.error(`a failure that nobody waited for: ${reason instanceof Error ? reason.stack : reason}`)
  )
  // Whoever reads what it says may go away.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const options = await registryOptions(settings)
  const registry = await openLocalRegistry({ ...options, log: line => log.debug(line) }).catch(error => {
    throw explained(error)
  })
  const what = options.proxy === undefined ? 'a registry' : `a cache of ${options.proxy}`
  log.info(`Gantry ${version} serves ${what} on ${registry.address} (data in ${registry.storage})`)
  if (options.users === undefined && !/^(127\.|localhost|::1$)/.test(options.host ?? '')) {
    log.warn(
      `everybody who reaches ${registry.address} may ${options.readOnly || options.proxy ? 'pull' : 'pull, push and delete'}: --htpasswd changes that`
    )
  }
  log.info(`Gantry stops: ${await stopped}`)
  await registry.close({ graceMs })
  process.exit(0)
}

async function collect(settings: RegistrySettings, log: Log): Promise<void> {
  const storage = settings.storage ?? defaultStorage()
  const age = settings.gc === true || settings.gc === undefined ? defaultAgeMs : settings.gc
  const { blobs, reclaimedBytes, uploads } = await collectLocalRegistry({ storage, graceMs: age })
  log.info(`removed from ${storage}: ${blobs} blobs of ${reclaimedBytes} bytes, ${uploads} uploads that nobody went on with`)
}

/** What the library calls an option, the command calls a flag. */
function explained(error: unknown): unknown {
  if (!EngineError.is(error)) return error
  const message = error.message.replace(/^tls\.(cert|key):/, '--tls-$1:').replace(/^(proxy|tls):/, '--$1:')
  return message === error.message ? error : new EngineError(error.code, message, { details: error.details, cause: error })
}
