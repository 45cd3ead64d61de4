import { isIP } from 'node:net'
import type { TrustRules } from '../api/index.js'
import { parseSize } from '../util/parse-size.js'
import { type LogLevel, logLevels } from './log.js'
import { trustOfFile, trustOfFlag } from './trust-setting.js'
import { parseUlimit, type UlimitSetting, ulimitsOfFile } from './ulimit-setting.js'

/** How a kind of setting is written: in the configuration file, and as a flag. */
export interface SettingType<Value> {
  /** For a message that says what was expected. */
  readonly expected: string
  /** A value of the configuration file; undefined where it is none of this kind. */
  ofFile(value: unknown): Value | undefined
  /**
   * The text of a flag; of one that may be given several times with what came before. Undefined where it is none of this kind.
   *
   * @param text - `true` where a flag was given without one
   */
  ofFlag(text: string, before: Value | undefined): Value | undefined
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)

const text: SettingType<string> = {
  expected: 'a text',
  ofFile: value => (typeof value === 'string' && value !== '' ? value : undefined),
  ofFlag: value => (value === '' ? undefined : value)
}

const texts: SettingType<readonly string[]> = {
  expected: 'a list of texts',
  ofFile: value => (Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined),
  ofFlag: (value, before = []) => [...before, value]
}

const addresses: SettingType<readonly string[]> = {
  expected: 'IP addresses',
  ofFile: value => (texts.ofFile(value)?.every(item => isIP(item) !== 0) ? texts.ofFile(value) : undefined),
  ofFlag: (value, before = []) => (isIP(value) === 0 ? undefined : [...before, value])
}

const boolean: SettingType<boolean> = {
  expected: 'true or false',
  ofFile: value => (typeof value === 'boolean' ? value : undefined),
  ofFlag: value => (['true', '1', 't'].includes(value) ? true : ['false', '0', 'f'].includes(value) ? false : undefined)
}

const seconds: SettingType<number> = {
  expected: 'a whole number of seconds',
  ofFile: value => (isWhole(value) ? value : undefined),
  ofFlag: value => (/^-?\d+$/.test(value) ? Number(value) : undefined)
}

const count: SettingType<number> = {
  expected: 'a whole number, at least 1',
  ofFile: value => (isWhole(value) && value > 0 ? value : undefined),
  ofFlag: value => (/^\d+$/.test(value) ? count.ofFile(Number(value)) : undefined)
}

const bytes: SettingType<number> = {
  expected: 'a size such as 64M',
  ofFile: value => (isWhole(value) && value > 0 ? value : typeof value === 'string' ? bytes.ofFlag(value, undefined) : undefined),
  // Docker's other spellings: 67108864, 64MB, 64MiB.
  ofFlag: value => (/^\d+$/.test(value) ? Number(value) : parseSize(value.replace(/([kmg])i?b$/i, '$1'))) || undefined
}

const level: SettingType<LogLevel> = {
  expected: logLevels.join(', '),
  ofFile: value => logLevels.find(known => known === value),
  ofFlag: value => level.ofFile(value)
}

const options: SettingType<Readonly<Record<string, string>>> = {
  expected: 'options with texts, as in { "max-size": "10m" }',
  ofFile(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.values(value).every(item => typeof item === 'string') ? (value as Record<string, string>) : undefined
  },
  ofFlag(value, before = {}) {
    const [, key, given] = /^([^=]+)=(.*)$/s.exec(value) ?? []
    return key === undefined || given === undefined ? undefined : { ...before, [key]: given }
  }
}

const ulimits: SettingType<readonly UlimitSetting[]> = {
  expected: 'limits, as in { "nofile": { "Soft": 1024, "Hard": 2048 } }; as a flag nofile=1024:2048',
  ofFile: ulimitsOfFile,
  ofFlag(value, before = []) {
    const limit = parseUlimit(value)
    return limit && [...before.filter(({ Name }) => Name !== limit.Name), limit]
  }
}

const pools: SettingType<readonly PoolSetting[]> = {
  expected: 'address pools, as in [{ "base": "10.30.0.0/16", "size": 24 }]; as a flag base=10.30.0.0/16,size=24',
  ofFile(value) {
    const isPool = (item: unknown): item is PoolSetting =>
      typeof item === 'object' && item !== null && 'base' in item && typeof item.base === 'string' && 'size' in item && isWhole(item.size)
    return Array.isArray(value) && value.every(isPool) ? value.map(({ base, size }) => ({ base, size })) : undefined
  },
  ofFlag(value, before = []) {
    const fields = new Map(value.split(',').map(part => part.split('=', 2) as [string, string | undefined]))
    const [base, size] = [fields.get('base'), fields.get('size')]
    return fields.size === 2 && base !== undefined && /^\d+$/.test(size ?? '') ? [...before, { base, size: Number(size) }] : undefined
  }
}

/** A range of addresses, and the length of the prefix that a network of it has. */
interface PoolSetting {
  readonly base: string
  readonly size: number
}

const trust: SettingType<TrustRules> = {
  expected: 'a rule, as in ghcr.io/owner/*=/etc/keys/owner.pub or *=reject',
  ofFile: trustOfFile,
  ofFlag: trustOfFlag
}

/** The kinds of settings. */
export const settingTypes = { text, texts, addresses, boolean, seconds, count, bytes, level, options, ulimits, pools, trust } as const
