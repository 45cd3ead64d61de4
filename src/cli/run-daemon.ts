import { rm, writeFile } from 'node:fs/promises'
import { EngineError } from '../errors/index.js'
import { openInProcess } from '../transport/in-process/open-in-process.js'
import { Unwind } from '../util/unwind.js'
import { type DaemonSettings, defaultHost, tlsFiles } from './daemon-settings.js'
import { registriesOf } from './registry-settings.js'
import { complain, say } from './say.js'

const defaultShutdownSeconds = 5

/**
 * Serve until a signal says stop.
 *
 * @throws EngineError what the runtime or a listener cannot do; what was opened before is closed again
 */
export async function runDaemon(settings: DaemonSettings, version: string): Promise<void> {
  const tls = tlsFiles(settings)
  const stopped = stopSignal()
  const parts = new Unwind()
  const graceMs = (settings.shutdownTimeoutSeconds ?? defaultShutdownSeconds) * 1000
  // A failure that nobody waited for is told and does not end the service of all others.
  process.on('unhandledRejection', reason => complain(`a failure that nobody waited for: ${textOf(reason)}`))
  process.on('SIGHUP', () => complain('SIGHUP: the configuration is not read again; restart the daemon for that'))
  try {
    const transport = await openInProcess({
      lifetime: 'daemon',
      registries: registriesOf(settings),
      ...(settings.root !== undefined && { root: settings.root }),
      ...(settings.runtime !== undefined && { runtime: settings.runtime }),
      ...(settings.labels && { labels: settings.labels })
    })
    parts.add(() => transport.close())
    const addresses: string[] = []
    for (const host of settings.hosts ?? [defaultHost]) {
      const listener = await transport.listen(host, {
        ...(host.startsWith('tcp:') && tls && { tls }),
        ...(settings.withoutAuthentication && { withoutAuthentication: true }),
        ...(settings.group !== undefined && { group: settings.group }),
        ...(settings.debug && { log: say })
      })
      parts.add(() => listener.close({ graceMs }))
      addresses.push(listener.address)
    }
    const { pidFile } = settings
    if (pidFile !== undefined) {
      await writeFile(pidFile, `${process.pid}\n`)
      parts.add(() => rm(pidFile, { force: true }))
    }
    say(`Gantry ${version} listens on ${addresses.join(', ')} (API ${transport.apiVersion}, data in ${transport.endpoint})`)
    say(`Gantry stops: ${await stopped}`)
  } catch (error) {
    await parts.run()
    throw explained(error)
  }
  const failures = await parts.run()
  for (const failure of failures) complain(textOf(failure))
  process.exit(failures.length === 0 ? 0 : 1)
}

function textOf(error: unknown): string {
  return error instanceof Error && !EngineError.is(error)
    ? (error.stack ?? error.message)
    : error instanceof Error
      ? error.message
      : String(error)
}

/** The name of the first signal to stop. A second one ends the process at once. */
function stopSignal(): Promise<string> {
  return new Promise(resolve => {
    let isStopping = false
    const stop = (name: NodeJS.Signals): void => {
      if (isStopping) process.exit(name === 'SIGINT' ? 130 : 143)
      isStopping = true
      resolve(name)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

/** What the library calls an option, the command calls a flag. */
function explained(error: unknown): unknown {
  if (!EngineError.is(error) || !error.message.includes('withoutAuthentication')) return error
  const message = error.message
    .replace('(tls with ca, cert and key)', '(--tlsverify --tlscacert --tlscert --tlskey)')
    .replace('withoutAuthentication', '--insecure-tcp-without-authentication')
  return new EngineError(error.code, message, { details: error.details, cause: error })
}
