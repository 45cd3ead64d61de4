import { randomBytes } from 'node:crypto'
import type { ContainerConfig } from '../../src/api/index.js'
import { once } from '../../src/util/once.js'
import { Unwind } from '../../src/util/unwind.js'
import type { Host } from '../host/host.js'
import type { OciRuntime } from '../oci/oci-runtime.js'
import type { PreparedRun } from '../oci/prepared-run.js'
import { openStdio, type Stdio } from './open-stdio.js'

/** A container that is not started this soon after it was made is started in the ordinary way. */
const claimMs = 5_000

/** An engine that starts nothing for this long keeps nothing in readiness. */
const idleMs = 30_000

/** A run that waits for what is to be run: the OCI runtime and its streams. */
export interface Prepared {
  readonly stdio: Stdio
  readonly run: PreparedRun['run']
  /** Where it is not run after all. Idempotent. */
  discard(): Promise<void>
}

interface Slot extends Prepared {
  readonly id: string
  timer: NodeJS.Timeout
}

/**
 * Whoever starts one container usually starts another. So after a start the OCI runtime of the next one is set up to where it needs to know
 * what it is to run (`runtime/oci/prepared-run.ts`): a container gets its id from there when it is created.
 */
export class PreparedRuns {
  readonly #host: Host
  readonly #oci: OciRuntime
  readonly #claimed = new Map<string, Slot>()
  #free: Slot | undefined
  #making: Promise<void> | undefined
  #closed = false

  constructor(options: { readonly host: Host; readonly oci: OciRuntime }) {
    this.#host = options.host
    this.#oci = options.oci
  }

  /** The id under which a container of this configuration starts sooner; undefined: any will do. */
  claim(config: ContainerConfig): string | undefined {
    const slot = this.#free
    if (slot === undefined || !isPlain(config)) return undefined
    this.#free = undefined
    this.#claimed.set(slot.id, slot)
    this.#limit(slot, claimMs)
    return slot.id
  }

  /** The run that waits for the container of this id. The caller runs or discards it. */
  take(id: string): Prepared | undefined {
    const slot = this.#claimed.get(id)
    this.#claimed.delete(id)
    clearTimeout(slot?.timer)
    return slot
  }

  /** A container of this configuration has been started: have the next one ready. Returns at once; a failure costs time and nothing else. */
  replenish(config: ContainerConfig): void {
    if (this.#closed || !isPlain(config) || this.#making !== undefined) return
    if (this.#free !== undefined) {
      this.#limit(this.#free, idleMs)
      return
    }
    this.#making = this.#make()
      .catch(() => {})
      .finally(() => {
        this.#making = undefined
      })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#making
    await Promise.all([...this.#claimed.values(), ...(this.#free ? [this.#free] : [])].map(slot => slot.discard()))
  }

  async #make(): Promise<void> {
    const unwind = new Unwind()
    try {
      const id = randomBytes(32).toString('hex')
      const stdio = await openStdio(this.#host, { tty: false, openStdin: false, socketPath: '' }, unwind)
      const prepared = await this.#oci.prepare({ id, stdio: stdio.child })
      stdio.spawned()
      if (prepared === undefined) {
        await unwind.run()
        return
      }
      const discard = once(async () => {
        clearTimeout(slot.timer)
        this.#claimed.delete(id)
        if (this.#free === slot) this.#free = undefined
        prepared.discard()
        await unwind.run()
      })
      const slot: Slot = { id, stdio, run: prepared.run, discard, timer: setTimeout(() => {}, 0) }
      void prepared.ended.then(() => {
        if (this.#free === slot || this.#claimed.get(id) === slot) void discard()
      })
      this.#limit(slot, idleMs)
      if (this.#closed) await discard()
      else this.#free = slot
    } catch (error) {
      await unwind.run()
      throw error
    }
  }

  #limit(slot: Slot, ms: number): void {
    clearTimeout(slot.timer)
    slot.timer = setTimeout(() => void slot.discard(), ms)
    slot.timer.unref()
  }
}

/** Streams are opened before anything is known of the container: only what every such container has can be prepared. */
function isPlain(config: ContainerConfig): boolean {
  return !config.Tty && !config.OpenStdin
}
