import { EngineError } from '../errors/index.js'
import type { DaemonSettings } from './daemon-settings.js'

/** Settings by registry host, as the runtime takes them. */
export function registriesOf(settings: DaemonSettings): Record<string, { mirrors?: string[]; insecure?: boolean }> {
  const registries: Record<string, { mirrors?: string[]; insecure?: boolean }> = {}
  const { registryMirrors = [], insecureRegistries = [] } = settings
  if (registryMirrors.length > 0) registries['docker.io'] = { mirrors: registryMirrors.map(checkMirror) }
  for (const host of insecureRegistries.map(checkHost)) registries[host] = { ...registries[host], insecure: true }
  return registries
}

function checkMirror(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  throw new EngineError('invalid_argument', `invalid mirror ${JSON.stringify(text)}: expected a URL such as https://mirror.example.com`)
}

function checkHost(text: string): string {
  if (text.includes('://')) {
    throw new EngineError(
      'invalid_argument',
      `insecure registry ${text} should not contain '://': write the host, such as registry.example.com:5000`
    )
  }
  if (text.includes('/')) {
    throw new EngineError(
      'not_implemented',
      `insecure registry ${text}: ranges of addresses are not built; name the registry's host and port`
    )
  }
  return text
}
