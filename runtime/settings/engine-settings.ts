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
  /** How long a daemon that stops waits for what it does; negative is as long as it takes. In seconds. @default 15 */
  readonly shutdownTimeoutSeconds: number
}

/** The settings that {@link LiveSettings} begins with. */
export const defaultSettings: EngineSettings = {
  labels: [],
  debug: false,
  registryMirrors: [],
  insecureRegistries: [],
  shutdownTimeoutSeconds: 15
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
