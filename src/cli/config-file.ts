import { readFile } from 'node:fs/promises'
import { EngineError } from '../errors/index.js'
import { type DaemonSettings, settingNames } from './daemon-settings.js'
import { isForeignSetting } from './foreign-settings.js'
import { settingTypes } from './setting-types.js'

/**
 * Read a configuration file: a JSON object with the keys of dockerd's `daemon.json` that mean something here.
 *
 * @throws EngineError `invalid_argument`, `not_implemented` naming the key
 */
export async function readConfigFile(path: string): Promise<DaemonSettings> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new EngineError('invalid_argument', `unable to read the configuration file ${path}: ${cause.message}`, { cause })
  })
  return parseConfig(text, path)
}

/** As {@link readConfigFile}, from its text. An empty file says nothing. */
export function parseConfig(text: string, path: string): DaemonSettings {
  if (text.trim() === '') return {}
  const config = parseJson(text, path)
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new EngineError('invalid_argument', `the configuration file ${path} must hold a JSON object`)
  }
  const settings: Record<string, unknown> = {}
  const unknown: string[] = []
  for (const [key, value] of Object.entries(withoutGroups(config, path))) {
    const found = Object.entries(settingNames).find(([, setting]) => setting.key === key)
    if (found === undefined) {
      if (!isForeignSetting(key, value, path)) unknown.push(key)
    } else settings[found[0]] = checked(value, key, found[1].type, path)
  }
  if (unknown.length > 0) {
    throw new EngineError(
      'invalid_argument',
      `the following directives don't match any configuration option: ${unknown.join(', ')} (in ${path}; those that there are: ${Object.values(
        settingNames
      )
        .map(({ key }) => key)
        .join(', ')})`,
      { details: { keys: unknown } }
    )
  }
  return settings
}

/**
 * Put flags and configuration file together. What both say is an error, as in dockerd, except that lists of registries and labels add up.
 *
 * @throws EngineError `invalid_argument` naming the keys
 */
export function mergeSettings(flags: DaemonSettings, file: DaemonSettings): DaemonSettings {
  const both = (Object.keys(file) as (keyof DaemonSettings)[]).filter(name => flags[name] !== undefined)
  const conflicts = both.filter(name => !additive.has(name))
  if (conflicts.length > 0) {
    const told = conflicts.map(
      name => `${settingNames[name].key}: (from flag: ${shown(name, flags[name])}, from file: ${shown(name, file[name])})`
    )
    throw new EngineError(
      'invalid_argument',
      `the following directives are specified both as a flag and in the configuration file: ${told.join(', ')}`,
      { details: { keys: conflicts.map(name => settingNames[name].key) } }
    )
  }
  const sums = Object.fromEntries(
    both
      .filter(name => additive.has(name))
      .map(name => [name, [...(flags[name] as readonly string[]), ...(file[name] as readonly string[])]])
  )
  return { ...file, ...flags, ...sums }
}

const additive: ReadonlySet<keyof DaemonSettings> = new Set(['registryMirrors', 'insecureRegistries', 'labels'])

/** dockerd has the proxies in an object of their own. */
function withoutGroups(config: object, path: string): object {
  const { proxies, ...others } = { proxies: undefined, ...config }
  if (proxies === undefined) return config
  if (typeof proxies !== 'object' || proxies === null || Array.isArray(proxies)) {
    throw new EngineError('invalid_argument', `proxies (in ${path}): expected an object with http-proxy, https-proxy and no-proxy`)
  }
  const unknown = Object.keys(proxies).filter(key => !proxyKeys.has(key))
  if (unknown.length > 0) {
    throw new EngineError(
      'invalid_argument',
      `the following directives don't match any configuration option: ${unknown.join(', ')} (in ${path})`,
      {
        details: { keys: unknown }
      }
    )
  }
  return { ...others, ...Object.fromEntries(Object.entries(proxies).filter(([, value]) => value !== '')) }
}

const proxyKeys: ReadonlySet<string> = new Set(['http-proxy', 'https-proxy', 'no-proxy'])

/** A value as a message may show it: the URL of a proxy may hold credentials. */
function shown(name: keyof DaemonSettings, value: unknown): string {
  return name === 'httpProxy' || name === 'httpsProxy' ? '***' : JSON.stringify(value)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EngineError('invalid_argument', `the configuration file ${path} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function checked(value: unknown, key: string, typeName: keyof typeof settingTypes, path: string): unknown {
  const type = settingTypes[typeName]
  const found = type.ofFile(value)
  if (found !== undefined) return found
  throw new EngineError('invalid_argument', `${key} (in ${path}): expected ${type.expected}, got ${JSON.stringify(value)}`, {
    details: { key }
  })
}
