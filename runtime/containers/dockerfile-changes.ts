import { posix } from 'node:path'
import type { ContainerConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { parseDuration } from '../../src/util/parse-duration.js'
import { jsonWords, pairsOf, wordsOf } from './dockerfile-words.js'

type Apply = (config: ContainerConfig, text: string) => ContainerConfig

const instructions: Readonly<Record<string, Apply>> = {
  CMD: (config, text) => ({ ...config, Cmd: commandOf(config, text) }),
  ENTRYPOINT: (config, text) => ({ ...config, Entrypoint: commandOf(config, text) }),
  ENV: (config, text) => ({ ...config, Env: pairsOf('ENV', text).reduce(setVariable, config.Env ?? []) }),
  EXPOSE: (config, text) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...setOf(someWords('EXPOSE', text).flatMap(portsOf)) } }),
  HEALTHCHECK: (config, text) => ({ ...config, Healthcheck: healthCheckOf(text) }),
  LABEL: (config, text) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairsOf('LABEL', text)) } }),
  ONBUILD: (config, text) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), required('ONBUILD', text)] }),
  SHELL: (config, text) => ({ ...config, Shell: jsonWords(text) ?? refuse('SHELL requires the arguments to be in JSON form') }),
  STOPSIGNAL: (config, text) => ({ ...config, StopSignal: oneWord('STOPSIGNAL', text) }),
  USER: (config, text) => ({ ...config, User: oneWord('USER', text) }),
  VOLUME: (config, text) => ({ ...config, Volumes: { ...config.Volumes, ...setOf(jsonWords(text) ?? someWords('VOLUME', text)) } }),
  WORKDIR: (config, text) => ({ ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '', oneWord('WORKDIR', text)) })
}

/**
 * Apply Dockerfile instructions to a configuration, as `docker commit --change` takes them.
 *
 * @throws EngineError `invalid_argument` for an instruction that is none, or none that a commit takes
 */
export function applyDockerfileChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  // One text may hold several lines; a backslash at the end goes on with the next.
  const lines = changes.flatMap(change => change.replace(/\\\r?\n/g, ' ').split('\n'))
  return lines
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .reduce((changed, line) => {
      const [, name = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? []
      const apply = instructions[name.toUpperCase()]
      return apply === undefined ? refuse(`${name.toLowerCase()} is not a valid change command`) : apply(changed, text)
    }, config)
}

function refuse(message: string): never {
  throw new EngineError('invalid_argument', message, { details: { field: 'query.changes' } })
}

function required(instruction: string, text: string): string {
  return text === '' ? refuse(`${instruction} requires at least one argument`) : text
}

function someWords(instruction: string, text: string): readonly string[] {
  return wordsOf(required(instruction, text))
}

function oneWord(instruction: string, text: string): string {
  const [word, ...others] = instruction === 'WORKDIR' || instruction === 'USER' ? [text] : wordsOf(text)
  return !word || others.length > 0 ? refuse(`${instruction} requires exactly one argument`) : (wordsOf(word).join(' ') ?? '')
}

function commandOf(config: ContainerConfig, text: string): readonly string[] | null {
  if (text === '') return null
  return jsonWords(text) ?? [...(config.Shell ?? ['/bin/sh', '-c']), text]
}

/** The last value of a variable counts, in the place of the first. */
function setVariable(env: readonly string[], [name, value]: readonly [string, string]): readonly string[] {
  const place = env.findIndex(pair => pair.startsWith(`${name}=`))
  return place === -1 ? [...env, `${name}=${value}`] : env.with(place, `${name}=${value}`)
}

/** `80`, `80/udp`, `8000-8002/tcp` as `port/protocol`. */
function portsOf(spec: string): readonly string[] {
  const [, first, last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(spec) ?? []
  if (first === undefined || Number(last) < Number(first) || Number(last) > 65_535) return refuse(`Invalid containerPort: ${spec}`)
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => `${Number(first) + index}/${protocol.toLowerCase()}`)
}

function setOf(members: readonly string[]): Readonly<Record<string, Readonly<Record<string, never>>>> {
  return Object.fromEntries(members.map(member => [member, {}]))
}

const healthFlags: Readonly<Record<string, string>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
  retries: 'Retries'
}

/** `NONE`, or flags and `CMD` with a command in either form. */
function healthCheckOf(text: string): NonNullable<ContainerConfig['Healthcheck']> {
  const [, flags = '', kind = '', command = ''] = /^((?:--\S+\s+)*)(\S+)\s*(.*)$/s.exec(text) ?? []
  if (kind.toUpperCase() === 'NONE') return { Test: ['NONE'] }
  if (kind.toUpperCase() !== 'CMD')
    return refuse(
      kind === '' ? 'HEALTHCHECK requires at least one argument' : `Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`
    )
  if (command === '') return refuse('Missing command after HEALTHCHECK CMD')
  const exec = jsonWords(command)
  const settings = wordsOf(flags).map(flag => {
    const [, name = '', value = ''] = /^--([a-z-]+)=(.*)$/.exec(flag) ?? []
    const field = healthFlags[name]
    const parsed = name === 'retries' ? Number(value) : (parseDuration(value) ?? Number.NaN) * 1_000_000
    if (field === undefined || !Number.isInteger(parsed) || parsed < 0) return refuse(`Unknown or bad flag: ${flag}`)
    return [field, parsed] as const
  })
  return { ...Object.fromEntries(settings), Test: exec === undefined ? ['CMD-SHELL', command] : ['CMD', ...exec] }
}
