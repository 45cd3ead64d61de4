import { EngineError } from '../../errors/index.js'
import {
  checkBoolean,
  checkCommand,
  checkCount,
  checkKeys,
  checkObject,
  checkOneOf,
  checkPort,
  checkPositive,
  checkSize,
  checkString,
  checkStrings,
  checkTexts,
  optional,
  wrongSetting
} from '../checks.js'
import { createVerb, startVerb } from '../containers/create-verbs.js'
import type { EngineContext } from '../context.js'
import type { Task } from '../events/task.js'
import type { Container, Image, ImageSpec, RunOf } from '../handles.js'
import { checkEndpoint } from '../networks/endpoint.js'
import type { Network } from '../networks/network.js'
import { NetworkHandle } from '../networks/network-handle.js'
import type { PipeProcess, RunOptions, TtyProcess } from '../processes/process.js'
import { runVerb } from '../processes/run-verb.js'
import type { Platform, PortSpec } from '../values.js'
import { checkMount } from '../volumes/check-mount.js'
import type { MountSource } from '../volumes/mount-source.js'
import type { Volume } from '../volumes/volume.js'
import { checkVariables } from './check-variables.js'
import { healthConfig } from './health-config.js'
import type {
  CreateOptions,
  HealthOptions,
  Limits,
  NetworkPlace,
  PullOptions,
  PushOptions,
  PushResult,
  RawCreate,
  RestartPolicy,
  Security,
  SignedImage,
  SignOptions
} from './image.js'
import { addPublished } from './published.js'
import { pullVerb } from './pull-verb.js'
import { pushVerb } from './push-verb.js'
import { signVerb } from './sign-verb.js'
import type { SpecSettings } from './spec-settings.js'

/** An {@link ImageSpec} of one engine. Frozen: every setting makes a new one. */
export class ImageSpecHandle implements ImageSpec {
  readonly #context: EngineContext
  readonly #settings: SpecSettings

  constructor(context: EngineContext, settings: SpecSettings) {
    this.#context = context
    this.#settings = settings
    if (new.target === ImageSpecHandle) Object.freeze(this)
  }

  get reference(): string {
    return this.#settings.reference
  }

  platform(platform: Platform): ImageSpec {
    return this.#with({ platform: checkString('platform', platform, 'text such as linux/arm64') })
  }

  cmd(...argv: string[]): ImageSpec {
    return this.#with({ cmd: checkCommand('cmd', argv) })
  }

  entrypoint(...argv: string[]): ImageSpec {
    return this.#with({ entrypoint: checkStrings('entrypoint', argv) })
  }

  env(variables: Record<string, string>): ImageSpec {
    return this.#with({ env: { ...this.#settings.env, ...checkVariables('env', variables) } })
  }

  cwd(path: string): ImageSpec {
    return this.#with({ cwd: checkString('cwd', path, 'text, a path') })
  }

  user(user: string): ImageSpec {
    return this.#with({ user: checkString('user', user, 'text, a user by name or uid[:gid]') })
  }

  hostname(name: string): ImageSpec {
    return this.#with({ hostname: checkString('hostname', name, 'text, a host name') })
  }

  label(labels: Record<string, string>): ImageSpec {
    return this.#with({ labels: { ...this.#settings.labels, ...checkTexts('label', labels) } })
  }

  port(...ports: PortSpec[]): ImageSpec {
    const added = ports.map((port, index) => [checkPort(`port[${index}]`, port), [{ HostPort: '' }]] as const)
    return this.#with({ ports: { ...this.#settings.ports, ...Object.fromEntries(added) } })
  }

  publish(map: Record<number, PortSpec>, options: { address?: string } = {}): ImageSpec {
    return this.#with({ ports: addPublished(this.#settings.ports ?? {}, map, options) })
  }

  mount(target: string, source: Volume | MountSource): ImageSpec {
    return this.#with({ mounts: [...(this.#settings.mounts ?? []), checkMount(target, source)] })
  }

  network(network: 'none' | 'host' | Container): ImageSpec
  network(network: Network, place?: NetworkPlace): ImageSpec
  network(network: 'none' | 'host' | Container | Network, place: NetworkPlace = {}): ImageSpec {
    if (network instanceof NetworkHandle) {
      const endpoint = checkEndpoint('network', checkKeys('network', place, ['alias', 'ipv4', 'ipv6']))
      const { id, name } = network
      const others = (this.#settings.networks ?? []).filter(other => other.id !== id)
      return this.#without('network', { networks: [...others, { id, name, endpoint }] })
    }
    checkKeys('network', place, [])
    if (network === 'none' || network === 'host') return this.#without('networks', { network })
    const id: unknown = typeof network === 'object' && network !== null && 'exec' in network ? network.id : undefined
    if (typeof id !== 'string') throw wrongSetting('network', "'none', 'host', a network of engine.network() or a container", network)
    return this.#without('networks', { network: `container:${id}` })
  }

  dns(...servers: string[]): ImageSpec {
    return this.#with({ dns: checkStrings('dns', servers) })
  }

  hosts(map: Record<string, string>): ImageSpec {
    return this.#with({ hosts: { ...this.#settings.hosts, ...checkTexts('hosts', map) } })
  }

  limits(limits: Limits): ImageSpec {
    const given = checkKeys('limits', limits, ['memory', 'cpus', 'pids'])
    const memoryBytes = optional(checkSize, 'limits.memory', given.memory)
    const cpus = optional(checkPositive, 'limits.cpus', given.cpus)
    const pids = optional(checkCount, 'limits.pids', given.pids)
    return this.#with({
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(cpus !== undefined && { cpus }),
      ...(pids !== undefined && { pids })
    })
  }

  security(options: Security): ImageSpec {
    const given = checkKeys('security', options, ['privileged', 'readOnly', 'capAdd', 'capDrop', 'seccomp', 'noNewPrivileges'])
    const flag = (name: 'privileged' | 'readOnly' | 'noNewPrivileges') => optional(checkBoolean, `security.${name}`, given[name])
    return this.#with(
      defined({
        privileged: flag('privileged'),
        readOnly: flag('readOnly'),
        noNewPrivileges: flag('noNewPrivileges'),
        capAdd: optional(checkStrings, 'security.capAdd', given.capAdd),
        capDrop: optional(checkStrings, 'security.capDrop', given.capDrop),
        seccomp: optional(checkSeccomp, 'security.seccomp', given.seccomp)
      })
    )
  }

  health(test: string[] | 'none', options: HealthOptions = {}): ImageSpec {
    return this.#with({ health: healthConfig(test, options) })
  }

  restart(policy: RestartPolicy, maximumRetries?: number): ImageSpec {
    const checked = checkOneOf('restart', policy, ['no', 'always', 'unless-stopped', 'on-failure'])
    const retries = optional(checkCount, 'restart.maximumRetries', maximumRetries)
    if (retries !== undefined && checked !== 'on-failure') {
      throw new EngineError('invalid_argument', "restart: the number of retries belongs to the policy 'on-failure'")
    }
    return this.#with({ restart: { policy: checked, ...(retries !== undefined && { maximumRetries: retries }) } })
  }

  raw(create: RawCreate): ImageSpec {
    const given = checkKeys('raw', create, ['Config', 'HostConfig', 'NetworkingConfig'])
    for (const [part, value] of Object.entries(given)) if (value !== undefined) checkObject(`raw.${part}`, value)
    // The reason for the cast: a deep copy of what was just checked.
    return this.#with({ raw: structuredClone(given) as RawCreate })
  }

  run(argv?: string[], options?: RunOptions & { tty?: false }): PipeProcess & RunOf
  run(argv: string[], options: RunOptions & { tty: true }): TtyProcess & RunOf
  run(options: RunOptions & { tty: true }): TtyProcess & RunOf
  run(options: RunOptions & { tty?: false }): PipeProcess & RunOf
  run(first?: string[] | RunOptions, second?: RunOptions): (PipeProcess | TtyProcess) & RunOf {
    return runVerb(this.#context, this.#settings, first, second)
  }

  create(options: CreateOptions = {}): Promise<Container> {
    return createVerb(this.#context, this.#settings, options)
  }

  start(options: CreateOptions = {}): Task<Container> {
    return startVerb(this.#context, this.#settings, options)
  }

  pull(options: PullOptions = {}): Task<Image> {
    return pullVerb(this.#context, this.#settings, options)
  }

  push(options: PushOptions = {}): Task<PushResult> {
    return pushVerb(this.#context, this.#settings, options)
  }

  sign(options: SignOptions): Promise<SignedImage> {
    return signVerb(this.#context, { reference: this.reference }, options)
  }

  #without(name: 'network' | 'networks', settings: Partial<SpecSettings>): ImageSpec {
    const { [name]: _, ...rest } = this.#settings
    return new ImageSpecHandle(this.#context, { ...rest, ...settings })
  }

  #with(settings: Partial<SpecSettings>): ImageSpec {
    return new ImageSpecHandle(this.#context, { ...this.#settings, ...settings })
  }
}

function checkSeccomp(path: string, value: unknown): string {
  const profile = checkString(path, value, "'unconfined' or the text of a JSON profile")
  if (profile === 'unconfined') return profile
  try {
    JSON.parse(profile)
    return profile
  } catch (cause) {
    throw new EngineError('invalid_argument', `${path}: expected 'unconfined' or the text of a JSON profile (read the file yourself)`, {
      details: { path },
      cause
    })
  }
}

/** The object without the keys whose value is undefined. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // The reason for the cast: fromEntries forgets the keys.
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never
}
