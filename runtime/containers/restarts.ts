import type { Done } from '../../src/api/index.js'
import type { ContainerRecord } from './container-record.js'
import type { ContainerStore } from './container-store.js'

/** Docker's back-off: from a tenth of a second, doubled with each restart, up to a minute. */
const shortestMs = 100
const longestMs = 60_000

/** A run that lasted this long was a good one: the next restart comes soon again. */
const goodRunMs = 10_000

/** Starts containers again that have ended, as their restart policies say. */
export class Restarts {
  readonly #waiting = new Map<string, NodeJS.Timeout>()
  readonly #delays = new Map<string, number>()
  readonly #abort = new AbortController()
  readonly #store: ContainerStore
  #launch: ((id: string, signal: AbortSignal) => Promise<Done>) | undefined

  constructor(store: ContainerStore) {
    this.#store = store
  }

  /** How a container is started: said once there is everything that takes. */
  connect(launch: (id: string, signal: AbortSignal) => Promise<Done>): void {
    this.#launch = launch
  }

  /** Whether a container that has ended with this code is to be started again. */
  wants({ hostConfig, state }: ContainerRecord, exitCode: number): boolean {
    if (this.#abort.signal.aborted || state.stoppedByHand) return false
    const { Name: policy = '', MaximumRetryCount: most = 0 } = hostConfig.RestartPolicy ?? {}
    if (policy === 'always' || policy === 'unless-stopped') return true
    return policy === 'on-failure' && exitCode !== 0 && (most === 0 || state.restartCount < most)
  }

  /** Start it again after a while. */
  schedule({ id, state }: ContainerRecord): void {
    const ranMs = Date.parse(state.finishedAt) - Date.parse(state.startedAt)
    const delay = ranMs >= goodRunMs ? shortestMs : Math.min((this.#delays.get(id) ?? shortestMs / 2) * 2, longestMs)
    this.#delays.set(id, delay)
    this.cancel(id)
    const timer = setTimeout(() => void this.#restart(id), delay)
    timer.unref()
    this.#waiting.set(id, timer)
  }

  /** It is not to be started again for now. Whether it was about to be. Idempotent. */
  cancel(id: string): boolean {
    const timer = this.#waiting.get(id)
    clearTimeout(timer)
    return this.#waiting.delete(id)
  }

  /** Containers that are to run: those whose policy says so and whom nobody stopped. For a daemon that begins. */
  resume(): void {
    for (const record of this.#store.list()) {
      const { status, restarting, stoppedByHand } = record.state
      const policy = record.hostConfig.RestartPolicy?.Name ?? ''
      // Docker starts what is to run always, whoever stopped it.
      const isDue = restarting || (policy === 'always' && stoppedByHand)
      if (record.keep && status === 'exited' && isDue && !this.#waiting.has(record.id)) this.schedule(record)
    }
  }

  close(): void {
    this.#abort.abort()
    for (const id of [...this.#waiting.keys()]) this.cancel(id)
  }

  async #restart(id: string): Promise<void> {
    this.#waiting.delete(id)
    const record = this.#store.find(id)
    // Stopped between its end and now.
    if (record?.state.stoppedByHand) await this.#store.setState(id, { restarting: false })
    if (record === undefined || record.state.stoppedByHand || this.#launch === undefined || this.#abort.signal.aborted) return
    try {
      await this.#launch(id, this.#abort.signal)
    } catch {
      // The record says why; the policy goes on.
      const now = this.#store.find(id)
      const again = now !== undefined && this.wants(now, now.state.exitCode)
      await this.#store.setState(id, { restarting: again, ...(again && { restartCount: now.state.restartCount + 1 }) })
      if (again) this.schedule(now)
    }
  }
}
