import type { ContainerConfig } from '../../src/api/index.js'
import { type Deferred, deferred } from '../../src/util/deferred.js'
import { LiveContainer } from './live-container.js'

/** For so long the end of a run can be asked for when its container is gone. */
const lateMs = 10_000

/** Of so many containers, those that ended last. */
const lateExits = 1_000

/** How a run ended. */
export interface RunResult {
  readonly exitCode: number
  readonly error?: string
}

/** A run of a container that this process watches. */
export interface ActiveRun {
  readonly pid: number
  /** When the run is over, recorded and cleaned up. Never rejects. */
  readonly ended: Promise<RunResult>
  /** It outlives this process: stop watching it. */
  letGo?(): void
}

interface Entry {
  readonly io: LiveContainer
  run: ActiveRun | undefined
  readonly nextExit: Set<Deferred<RunResult>>
  readonly removal: Deferred<void>
}

/** What this process knows of containers beyond their records: streams, current runs, and who waits for what. */
export class LiveContainers {
  readonly #entries = new Map<string, Entry>()
  readonly #lateExits = new Map<string, RunResult>()
  readonly #exclusive = new Map<string, Promise<unknown>>()

  io(id: string, config: ContainerConfig): LiveContainer {
    return this.#entry(id, config).io
  }

  run(id: string): ActiveRun | undefined {
    return this.#entries.get(id)?.run
  }

  begin(id: string, config: ContainerConfig, run: ActiveRun): void {
    const entry = this.#entry(id, config)
    entry.run = run
    void run.ended.then(result => {
      if (entry.run === run) entry.run = undefined
      this.#remember(id, result)
      for (const waiter of entry.nextExit) waiter.resolve(result)
      entry.nextExit.clear()
    })
  }

  /**
   * How a container ended that is gone since a moment. A container that removes itself can be gone before its client, which has just started it,
   * comes to wait for it: dockerode does so, and with dockerd it is quick enough.
   *
   * @param id in full
   */
  lateExit(id: string): Promise<RunResult> | undefined {
    const result = this.#lateExits.get(id)
    // Its record goes a little before everything else is done.
    return result === undefined ? this.#entries.get(id)?.run?.ended : Promise.resolve(result)
  }

  /** Registered as soon as this returns. */
  nextExit(id: string, config: ContainerConfig): Promise<RunResult> {
    const waiter = deferred<RunResult>()
    this.#entry(id, config).nextExit.add(waiter)
    return waiter.promise
  }

  removal(id: string, config: ContainerConfig): Promise<void> {
    return this.#entry(id, config).removal.promise
  }

  /** The container is gone: those who wait for that are told, those who wait for an exit that cannot come as well. */
  forget(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    entry.io.finish()
    entry.removal.resolve()
    for (const waiter of entry.nextExit) waiter.resolve({ exitCode: 0, error: 'the container was removed before it was started' })
  }

  /** Stop watching what outlives this process. Gives the ids. */
  async letGo(): Promise<readonly string[]> {
    const kept = [...this.#entries].filter(([, { run }]) => run?.letGo !== undefined)
    await Promise.all(
      kept.map(async ([, { run, io }]) => {
        run?.letGo?.()
        await io.abandon()
      })
    )
    return kept.map(([id]) => id)
  }

  /** One verb at a time for one container, in the order of the calls. */
  async exclusive<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#exclusive.get(id) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.then(
      () => {},
      () => {}
    )
    this.#exclusive.set(id, settled)
    try {
      return await mine
    } finally {
      if (this.#exclusive.get(id) === settled) this.#exclusive.delete(id)
    }
  }

  #remember(id: string, result: RunResult): void {
    this.#lateExits.delete(id)
    this.#lateExits.set(id, result)
    const [oldest] = this.#lateExits.keys()
    if (oldest !== undefined && this.#lateExits.size > lateExits) this.#lateExits.delete(oldest)
    setTimeout(() => {
      if (this.#lateExits.get(id) === result) this.#lateExits.delete(id)
    }, lateMs).unref()
  }

  #entry(id: string, config: ContainerConfig): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const io = new LiveContainer({ tty: config.Tty ?? false, stdinOnce: config.StdinOnce ?? false })
    const entry: Entry = { io, run: undefined, nextExit: new Set(), removal: deferred<void>() }
    this.#entries.set(id, entry)
    return entry
  }
}
