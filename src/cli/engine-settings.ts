import { EngineError } from '../errors/index.js'
import type { ReloadedSettings } from '../transport/in-process/in-process-transport.js'
import type { DaemonSettings } from './daemon-settings.js'

const defaultShutdownSeconds = 15

/** As long as a timer can be set, in milliseconds: three weeks. */
const longestMs = 2 ** 31 - 1

/** Settings that mean the same to the engine. */
const taken = [
  'registryMirrors',
  'insecureRegistries',
  'httpProxy',
  'httpsProxy',
  'noProxy',
  'trust',
  'shutdownTimeoutSeconds',
  'maxConcurrentDownloads',
  'maxConcurrentUploads',
  'shmBytes',
  'ulimits',
  'init',
  'dns',
  'dnsOptions',
  'dnsSearch',
  'bridgeAddress',
  'addressPools',
  'mtu',
  'userlandProxy',
  'liveRestore'
] as const satisfies readonly (keyof DaemonSettings & keyof ReloadedSettings)[]

/** What the engine is told of a daemon's settings. @throws EngineError `invalid_argument` for labels that are none */
export function engineSettings(settings: DaemonSettings): ReloadedSettings {
  const { labels, debug, logDriver, logOptions } = settings
  return {
    ...(labels && { labels: checkLabels(labels) }),
    ...(debug !== undefined && { debug }),
    ...((logDriver ?? logOptions) !== undefined && { logConfig: { type: logDriver ?? 'json-file', options: logOptions ?? {} } }),
    ...Object.fromEntries(taken.flatMap(name => (settings[name] === undefined ? [] : [[name, settings[name]]])))
  }
}

/** How long requests may take to finish when the daemon stops. */
export function shutdownGraceMs({ shutdownTimeoutSeconds = defaultShutdownSeconds }: DaemonSettings): number {
  return shutdownTimeoutSeconds < 0 ? longestMs : Math.min(shutdownTimeoutSeconds * 1000, longestMs)
}

/** In dockerd's words. */
function checkLabels(labels: readonly string[]): readonly string[] {
  const seen = new Map<string, string>()
  for (const label of labels) {
    const [, key = ''] = /^([^=]+)=/.exec(label) ?? []
    if (key === '') throw new EngineError('invalid_argument', `bad attribute format: ${label}`, { details: { label } })
    const other = seen.get(key)
    if (other !== undefined && other !== label) throw new EngineError('invalid_argument', `conflict labels for ${other} and ${label}`)
    seen.set(key, label)
  }
  return labels
}
