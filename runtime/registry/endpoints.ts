import { EngineError } from '../../src/errors/index.js'
import { defaultDomain } from './reference.js'
import type { AuthSetting } from './registry-auth.js'

/** What the user set for one registry host. */
export interface RegistrySettings {
  /** Asked first, in order: `https://mirror.example`, `mirror.example:5000`. Never shown the origin's credentials. */
  readonly mirrors?: readonly string[]
  /** Accept any certificate, and plain http where https does not answer. */
  readonly insecure?: boolean
  readonly auth?: AuthSetting
  /** PEM certificates to trust for this host, beside the system's. */
  readonly ca?: string
  /** PEM certificate to show to this host, with `key`. */
  readonly cert?: string
  /** PEM key of `cert`. */
  readonly key?: string
}

/** Settings by host as it is spelled in references: `docker.io`, `localhost:5000`. */
export type RegistriesSettings = Readonly<Record<string, RegistrySettings>>

/** A place that can be asked for a repository. */
export interface Endpoint {
  /** For messages and for looking up settings: `registry-1.docker.io`, `localhost:5000`. */
  readonly host: string
  /** URLs without a trailing slash, to be tried in order until one speaks: `https://host`, then `http://host`. */
  readonly bases: readonly string[]
  readonly mirror: boolean
  readonly auth?: AuthSetting
}

const hubHost = 'registry-1.docker.io'

/** Where to ask for what `domain` names: its mirrors in order, then itself. */
export function endpointsFor(domain: string, registries: RegistriesSettings): readonly Endpoint[] {
  const settings = settingsFor(domain, registries)
  const host = domain === defaultDomain ? hubHost : domain
  const origin = { host, bases: basesFor(host, settings), mirror: false, ...(settings.auth === undefined ? {} : { auth: settings.auth }) }
  return [...(settings.mirrors ?? []).map(mirror => mirrorEndpoint(mirror, registries)), origin]
}

/** Settings of a host, by any of its spellings. */
export function settingsFor(host: string, registries: RegistriesSettings): RegistrySettings {
  const hub = host === defaultDomain || host === hubHost
  const names = hub ? [defaultDomain, 'index.docker.io', 'https://index.docker.io/v1/', hubHost] : [host]
  for (const name of names) {
    if (Object.hasOwn(registries, name)) return registries[name] ?? {}
  }
  return {}
}

/** @throws EngineError `invalid_argument` for a mirror that is no URL */
export function checkRegistries(registries: RegistriesSettings): void {
  for (const domain of Object.keys(registries)) endpointsFor(domain, registries)
}

function mirrorEndpoint(mirror: string, registries: RegistriesSettings): Endpoint {
  const withScheme = /^https?:\/\//i.test(mirror)
  const url = withScheme || !mirror.includes('://') ? parseUrl(withScheme ? mirror : `https://${mirror}`) : undefined
  if (url === undefined || url.username !== '' || url.search !== '' || url.hash !== '' || url.host === '') {
    throw new EngineError(
      'invalid_argument',
      `invalid registry mirror ${JSON.stringify(mirror.replace(/\/\/[^/]*@/, '//***@'))}: write it as https://host[:port], without credentials (those go into the registries setting of that host)`
    )
  }
  const settings = settingsFor(url.host, registries)
  const path = url.pathname.replace(/\/+$/, '')
  const bases = withScheme ? [url.origin] : basesFor(url.host, settings)
  return {
    host: url.host,
    bases: bases.map(base => base + path),
    mirror: true,
    ...(settings.auth === undefined ? {} : { auth: settings.auth })
  }
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

function basesFor(host: string, settings: RegistrySettings): readonly string[] {
  if (settings.ca !== undefined && settings.insecure !== true) return [`https://${host}`]
  if (settings.insecure === true) return [`https://${host}`, `http://${host}`]
  // Docker counts 127.0.0.0/8 as insecure registries. Plain http first: that is what a local registry nearly always speaks.
  return isLoopbackHost(host) ? [`http://${host}`, `https://${host}`] : [`https://${host}`]
}

/** Whether `host[:port]` can only be this machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
}

/** Whether a certificate is checked on `host`. */
export function verifiesCertificate(host: string, registries: RegistriesSettings): boolean {
  const settings = settingsFor(host, registries)
  return settings.insecure !== true && (settings.ca !== undefined || !isLoopbackHost(host))
}
