import type { ExecConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { Deferred } from '../../src/util/deferred.js'
import type { LiveContainer } from './live-container.js'

/** A process that was set up to run in a container. */
export interface Exec {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly containerId: string
  /** When the container's run began that it was set up for: with that run it is over. */
  readonly containerStartedAt: string
  readonly settings: ExecConfig
  readonly argv: readonly string[]
  /** Its streams, and those attached to them. */
  readonly io: LiveContainer
  /** The keys that leave its terminal; undefined: Docker's. */
  readonly detachKeys: Uint8Array | undefined
  /** Settled when its process is there, or was refused. */
  readonly launched: Deferred<void>
  state: ExecState
}

export interface ExecState {
  readonly status: 'created' | 'running' | 'exited'
  /** Seen from the host; 0 where there never was one. */
  readonly pid: number
  /** Undefined while it has not ended. */
  readonly exitCode?: number
}

/** Execs that are kept of one container: those that have ended longest ago are forgotten first. */
const keptOfOne = 256

/** The execs of this engine. They are of a process of it, and go with it. */
export class Execs {
  readonly #byId = new Map<string, Exec>()

  add(exec: Exec): void {
    this.#byId.set(exec.id, exec)
    const ended = this.of(exec.containerId).filter(({ state }) => state.status === 'exited')
    for (const { id } of ended.slice(0, Math.max(0, ended.length - keptOfOne))) this.#byId.delete(id)
  }

  /** @throws EngineError `not_found` */
  get(id: string): Exec {
    const exec = this.#byId.get(id) ?? this.#byPrefix(id)
    if (exec === undefined) throw new EngineError('not_found', `No such exec instance: ${id}`, { details: { exec: id } })
    return exec
  }

  /** Those of a container, oldest first. */
  of(containerId: string): readonly Exec[] {
    return [...this.#byId.values()].filter(exec => exec.containerId === containerId)
  }

  /** Those of a container that have not ended, as its inspection lists them. */
  pendingOf({ id, state: { startedAt } }: { readonly id: string; readonly state: { readonly startedAt: string } }): readonly string[] {
    const pending = ({ state, containerStartedAt }: Exec) =>
      state.status === 'running' || (state.status === 'created' && containerStartedAt === startedAt)
    return this.of(id)
      .filter(pending)
      .map(exec => exec.id)
  }

  remove(id: string): void {
    this.#byId.delete(id)
  }

  /** The container is gone. */
  forget(containerId: string): void {
    for (const { id } of this.of(containerId)) this.#byId.delete(id)
  }

  #byPrefix(prefix: string): Exec | undefined {
    const found = /^[0-9a-f]{4,}$/.test(prefix) ? [...this.#byId.values()].filter(({ id }) => id.startsWith(prefix)) : []
    return found.length === 1 ? found[0] : undefined
  }
}
