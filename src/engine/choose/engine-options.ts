import { checkTrustRules, type TrustRules } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import type { TlsOptions } from '../../transport/tls-options.js'
import { checkBoolean, checkKeys, checkObject, checkOneOf, checkSignal, checkString, checkStrings, optional } from '../checks.js'
import type { EngineOptions, RegistryOptions } from '../engine.js'
import { checkAuth } from '../images/check-auth.js'
import type { Auth } from '../values.js'

/** {@link EngineOptions}, checked. */
export interface CheckedEngineOptions {
  readonly transport: 'auto' | 'in-process' | 'http'
  readonly host?: string
  readonly context?: string
  readonly tls?: TlsOptions
  readonly root?: string
  readonly runtime?: string
  readonly registries: Readonly<Record<string, RegistryOptions>>
  readonly trust?: TrustRules
  readonly signal?: AbortSignal
}

const keys = ['transport', 'host', 'context', 'tls', 'root', 'runtime', 'registries', 'trust', 'signal']

/** Check what `createEngine` was given, and that its parts do not contradict each other. @throws EngineError `invalid_argument` */
export function checkEngineOptions(options: EngineOptions): CheckedEngineOptions {
  const given = checkKeys('createEngine', options, keys)
  const transport = optional(checkTransport, 'createEngine.transport', given.transport) ?? 'auto'
  const host = optional(checkString, 'createEngine.host', given.host)
  const context = optional(checkString, 'createEngine.context', given.context)
  const tls = optional(checkTls, 'createEngine.tls', given.tls)
  const root = optional(checkString, 'createEngine.root', given.root)
  const runtime = optional(checkString, 'createEngine.runtime', given.runtime)
  const signal = optional(checkSignal, 'createEngine.signal', given.signal)
  const registries = optional(checkRegistries, 'createEngine.registries', given.registries) ?? {}
  const trust = optional(checkTrustRules, 'createEngine.trust', given.trust)
  const remote = named({ host, context, tls })
  const local = named({ root, runtime, trust })
  if (local !== undefined && (remote !== undefined || transport === 'http')) {
    throw contradiction(local, remote ?? "transport: 'http'", 'the first is a setting of the in-process runtime')
  }
  if (remote !== undefined && transport === 'in-process') {
    throw contradiction(remote, "transport: 'in-process'", 'the first leads to an engine behind a socket')
  }
  return {
    // Who says where this host's engine keeps its data, what it runs containers with or what it lets in, means this host's engine.
    transport: local === undefined ? transport : 'in-process',
    registries,
    ...(host !== undefined && { host }),
    ...(context !== undefined && { context }),
    ...(tls && { tls }),
    ...(root !== undefined && { root }),
    ...(runtime !== undefined && { runtime }),
    ...(trust && { trust }),
    ...(signal && { signal })
  }
}

function checkTransport(path: string, value: unknown): 'auto' | 'in-process' | 'http' {
  return checkOneOf(path, value, ['auto', 'in-process', 'http'])
}

function checkTls(path: string, value: unknown): TlsOptions {
  const given = checkKeys(path, value, ['ca', 'cert', 'key', 'verify'])
  const [ca, cert, key] = (['ca', 'cert', 'key'] as const).map(name => optional(checkString, `${path}.${name}`, given[name]))
  const verify = optional(checkBoolean, `${path}.verify`, given.verify)
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(verify !== undefined && { verify })
  }
}

function checkRegistries(path: string, value: unknown): Readonly<Record<string, RegistryOptions>> {
  const entries = Object.entries(checkObject(path, value)).map(([host, settings]) => {
    const at = `${path}[${JSON.stringify(host)}]`
    const given = checkKeys(at, settings, ['mirrors', 'insecure', 'auth', 'ca', 'cert', 'key'])
    const mirrors = optional(checkStrings, `${at}.mirrors`, given.mirrors)
    const insecure = optional(checkBoolean, `${at}.insecure`, given.insecure)
    const auth: Auth | undefined = optional(checkAuth, `${at}.auth`, given.auth)
    const [ca, cert, key] = (['ca', 'cert', 'key'] as const).map(name => optional(checkString, `${at}.${name}`, given[name]))
    if ((cert === undefined) !== (key === undefined)) {
      throw new EngineError('invalid_argument', `${at}: a client certificate needs both cert and key. Give the other one too`)
    }
    return [
      host,
      {
        ...(mirrors && { mirrors: [...mirrors] }),
        ...(insecure !== undefined && { insecure }),
        ...(auth !== undefined && { auth }),
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key })
      }
    ] as const
  })
  return Object.fromEntries(entries)
}

/** The name of the first setting that was made. */
function named(settings: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(settings).find(name => settings[name] !== undefined)
}

function contradiction(one: string, other: string, why: string): EngineError {
  return new EngineError('invalid_argument', `createEngine: ${one} and ${other} contradict each other: ${why}. Give one of them`)
}
