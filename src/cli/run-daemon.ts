import { EngineError } from '../errors/index.js'
import type { InProcessTransport } from '../transport/in-process/in-process-transport.js'
import { openInProcess } from '../transport/in-process/open-in-process.js'
import type { Listener } from '../transport/transport.js'
import { Unwind } from '../util/unwind.js'
import { type DaemonSettings, defaultHost, tlsFiles } from './daemon-settings.js'
import { engineSettings, shutdownGraceMs } from './engine-settings.js'
import { Log, type LogLevel } from './log.js'
import { writePidFile } from './pid-file.js'
import { reloadSettings } from './reload-settings.js'
import { stopSignal } from './stop-signal.js'

/** What `gantry daemon` was told. */
export interface DaemonStart {
  /** Flags and configuration file together. */
  readonly settings: DaemonSettings
  readonly flags: DaemonSettings
  readonly configFile?: string
  readonly version: string
}

/** An end that takes longer is explained. In milliseconds. */
const patienceMs = 1000

/**
 * Serve until a signal says stop.
 *
 * @throws EngineError what the runtime or a listener cannot do; what was opened before is closed again
 */
export async function runDaemon(start: DaemonStart): Promise<void> {
  let settings = start.settings
  const tls = tlsFiles(settings)
  const stopped = stopSignal()
  const parts = new Unwind()
  const log = new Log(levelOf(settings))
  // A failure that nobody waited for is told and does not end the service of all others.
  process.on('unhandledRejection', reason => log.error(`a failure that nobody waited for: ${textOf(reason)}`))
  // Whoever reads what it says may go away, or its disk be full: containers are worth more than the log.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  // Until there is something to reload: the signal's own effect is the end of the process.
  let reload = async (): Promise<void> => {}
  process.on('SIGHUP', () => void reload())
  try {
    if (settings.pidFile !== undefined) {
      const pidFile = await writePidFile(settings.pidFile)
      parts.add(pidFile.remove)
      // Where a second signal ends it at once, too.
      process.once('exit', pidFile.remove)
    }
    const transport = await openInProcess({
      lifetime: 'daemon',
      settings: engineSettings(settings),
      ...(settings.root !== undefined && { root: settings.root }),
      ...(settings.runtime !== undefined && { runtime: settings.runtime })
    })
    parts.add(() => transport.close())
    const listeners: Listener[] = []
    // All at once: none takes new requests while another one finishes what it has.
    parts.add(() => Promise.all(listeners.map(listener => listener.close({ graceMs: shutdownGraceMs(settings) }))))
    for (const host of settings.hosts ?? [defaultHost]) {
      const listener = await transport.listen(host, {
        ...(host.startsWith('tcp:') && tls && { tls }),
        ...(settings.withoutAuthentication && { withoutAuthentication: true }),
        ...(settings.group !== undefined && { group: settings.group }),
        log: line => log.debug(line)
      })
      listeners.push(listener)
    }
    reload = async () => {
      settings = await reloaded({ start, settings, transport, log })
    }
    const addresses = listeners.map(({ address }) => address)
    log.info(`Gantry ${start.version} listens on ${addresses.join(', ')} (API ${transport.apiVersion}, data in ${transport.endpoint})`)
    if (settings.withoutAuthentication && addresses.some(address => address.startsWith('tcp:'))) {
      log.info('Everybody who reaches its TCP port is root on this machine: it was told to ask nobody who they are.')
    }
    log.info(`Gantry stops: ${await stopped}`)
  } catch (error) {
    await parts.run()
    throw explained(error)
  }
  const hint = setTimeout(
    () => log.info(`waits for what is not finished, ${patienceOf(settings)}; a second signal ends it at once`),
    patienceMs
  )
  const failures = await parts.run()
  clearTimeout(hint)
  for (const failure of failures) log.error(textOf(failure))
  process.exit(failures.length === 0 ? 0 : 1)
}

interface Reload {
  readonly start: DaemonStart
  readonly settings: DaemonSettings
  readonly transport: InProcessTransport
  readonly log: Log
}

/** Read the configuration again. Resolves to the settings that are in force then; what is wrong is told, and changes nothing. */
async function reloaded({ start, settings, transport, log }: Reload): Promise<DaemonSettings> {
  if (start.configFile === undefined) {
    log.warn('SIGHUP: there is nothing to read again, the daemon was started without --config-file')
    return settings
  }
  try {
    const { settings: next, postponed } = await reloadSettings(start.configFile, { current: settings, flags: start.flags })
    transport.reload(engineSettings(next))
    log.level = levelOf(next)
    log.info(`configuration read again from ${start.configFile}`)
    if (postponed.length > 0) log.warn(`takes effect when the daemon is started again: ${postponed.join(', ')}`)
    return next
  } catch (error) {
    log.error(`SIGHUP: the configuration stays as it was: ${textOf(error)}`)
    return settings
  }
}

function patienceOf(settings: DaemonSettings): string {
  return (settings.shutdownTimeoutSeconds ?? 0) < 0 ? 'as long as it takes' : `at most ${shutdownGraceMs(settings) / 1000} s`
}

function levelOf({ debug, logLevel = 'info' }: DaemonSettings): LogLevel {
  return debug ? 'debug' : logLevel
}

function textOf(error: unknown): string {
  return error instanceof Error && !EngineError.is(error)
    ? (error.stack ?? error.message)
    : error instanceof Error
      ? error.message
      : String(error)
}

/** What the library calls an option, the command calls a flag. */
const flagsOfOptions: readonly (readonly [string | RegExp, string])[] = [
  ['(tls with ca, cert and key)', '(--tlsverify --tlscacert --tlscert --tlskey)'],
  ['withoutAuthentication', '--insecure-tcp-without-authentication'],
  [' in this process: ', ': '],
  [/\. name one that is there, as in \{ runtime: "(.*)" \}/, ': name one that is there, as in --default-runtime $1'],
  // Another engine is no answer to who wants to serve this one.
  [/\. run as root \(sudo\), or use a remote engine.*$/s, ': run as root (sudo gantry daemon)']
]

function explained(error: unknown): unknown {
  if (!EngineError.is(error)) return error
  const message = flagsOfOptions.reduce((text, [option, flag]) => text.replace(option, flag), error.message)
  return message === error.message ? error : new EngineError(error.code, message, { details: error.details, cause: error })
}
