import type { LogConfig, TrustRules, Ulimit } from '../../src/api/index.js'

/** What is set for the engine as a whole: `daemon.json`'s keys, where they mean something to a running engine. */
export interface EngineSettings {
  /** As `docker info` shows them: `key=value`. @default none */
  readonly labels: readonly string[]
  /** Whether each request is told of. @default false */
  readonly debug: boolean
  /** Mirrors of Docker Hub: URLs, in order. @default none */
  readonly registryMirrors: readonly string[]
  /** Hosts, and ranges of addresses (`10.0.0.0/8`), of registries to reach by plain HTTP or unchecked TLS. @default none */
  readonly insecureRegistries: readonly string[]
  /** Proxy for plain HTTP registries, a URL. Of the start. @default `HTTP_PROXY` of the environment */
  readonly httpProxy?: string
  /** Proxy for HTTPS registries, a URL. Of the start. @default `HTTPS_PROXY` of the environment */
  readonly httpsProxy?: string
  /** Hosts that are reached without a proxy, with commas. Of the start. @default `NO_PROXY` of the environment */
  readonly noProxy?: string
  /** Whose images may come in, by repository. @default none: every image may */
  readonly trust: TrustRules
  /** Layers that come at a time. @default 3 */
  readonly maxConcurrentDownloads: number
  /** Layers that go at a time. @default 5 */
  readonly maxConcurrentUploads: number
  /** How long a daemon that stops waits for what it does; negative is as long as it takes. In seconds. @default 15 */
  readonly shutdownTimeoutSeconds: number
  /** Whether containers go on when a daemon stops. @default true */
  readonly liveRestore: boolean
  /** Address and network of the default bridge: `10.20.0.1/24`. Of the start. @default the first free network */
  readonly bridgeAddress?: string
  /** Where networks get their addresses that do not say. Of the start. @default Docker's pools */
  readonly addressPools: readonly { readonly base: string; readonly size: number }[]
  /** Longest packet on the default network, in bytes. Of the start. @default 1500 */
  readonly mtu?: number
  /** Whether ports are published on IPv6 too, by a relay in this process: containers have no addresses there. Of the start. @default true */
  readonly userlandProxy: boolean
  /** Where the output of containers goes that do not say; its options go to those of the same driver. @default json-file, without options */
  readonly logConfig: { readonly type: string; readonly options: Readonly<NonNullable<LogConfig['Config']>> }
  /** Size of a container's /dev/shm. @default 67108864 */
  readonly shmBytes: number
  /** Limits of containers that do not set the same one. @default none */
  readonly ulimits: readonly Ulimit[]
  /** Whether an init program runs in containers that do not say. @default false */
  readonly init: boolean
  /** Name servers of containers that name none. @default those of the host */
  readonly dns: readonly string[]
  /** Resolver options, of containers that give none. @default those of the host */
  readonly dnsOptions: readonly string[]
  /** Search domains, of containers that give none. @default those of the host */
  readonly dnsSearch: readonly string[]
}

/** The settings that {@link LiveSettings} begins with. */
export const defaultSettings: EngineSettings = {
  labels: [],
  debug: false,
  registryMirrors: [],
  insecureRegistries: [],
  trust: {},
  maxConcurrentDownloads: 3,
  maxConcurrentUploads: 5,
  shutdownTimeoutSeconds: 15,
  liveRestore: true,
  addressPools: [],
  userlandProxy: true,
  logConfig: { type: 'json-file', options: {} },
  shmBytes: 64 * 1024 * 1024,
  ulimits: [],
  init: false,
  dns: [],
  dnsOptions: [],
  dnsSearch: []
}

/** Settings that may change while the engine runs. Whoever goes by one reads it when it is needed. */
export class LiveSettings {
  #current: EngineSettings

  constructor(given: Partial<EngineSettings> = {}) {
    this.#current = { ...defaultSettings, ...given }
  }

  get current(): EngineSettings {
    return this.#current
  }

  /** What is not in it stays as it is. */
  change(given: Partial<EngineSettings>): void {
    this.#current = { ...this.#current, ...given }
  }
}
