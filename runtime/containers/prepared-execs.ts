import { Unwind } from '../../src/util/unwind.js'
import type { CgroupAttach } from '../host/cgroup-attach.js'
import type { Host } from '../host/host.js'
import type { WaitingExec } from '../oci/exec-process.js'
import type { OciRuntime } from '../oci/oci-runtime.js'
import type { ContainerRecord } from './container-record.js'
import { openStdio, type Stdio } from './open-stdio.js'

/** Two execs of a container within this time: a third can be expected. */
const habitMs = 5_000

/** One that follows at once finds the kernel ready to attach it (runtime/host/cgroup-attach.ts), at a few thousandths of a processor. */
const promptMs = 1_000

/** What nobody uses for this long goes. */
const idleMs = 10_000

/** Each is a process of some two megabytes: those of the containers that had an exec last are kept. */
const mostWaiting = 4

/** An exec that waits for what is to be run, and its streams. */
export interface PreparedExec {
  readonly stdio: Stdio
  readonly exec: WaitingExec
  /** Give the streams back where they were not connected. */
  readonly unwind: Unwind
}

interface Slot {
  readonly startedAt: string
  /** Undefined where it could not be prepared. Never rejects. */
  readonly prepared: Promise<PreparedExec | undefined>
  isGone: boolean
  timer?: NodeJS.Timeout
}

/**
 * Whoever runs one command after the other in a container usually runs another: after the second one within a few seconds the OCI runtime for
 * the next is started, up to where it needs to know what it is to run. Without a terminal and without stdin.
 */
export class PreparedExecs {
  readonly #host: Host
  readonly #oci: OciRuntime
  readonly #cgroupAttach: CgroupAttach
  /** By container, the one that was made last at the end. */
  readonly #slots = new Map<string, Slot>()
  readonly #lastExecs = new Map<string, number>()
  #isClosed = false

  constructor(options: { readonly host: Host; readonly oci: OciRuntime; readonly cgroupAttach: CgroupAttach }) {
    this.#host = options.host
    this.#oci = options.oci
    this.#cgroupAttach = options.cgroupAttach
  }

  /** What waits for a container: the caller starts or discards it. */
  async take({ id, state }: ContainerRecord): Promise<PreparedExec | undefined> {
    const slot = this.#slots.get(id)
    if (slot === undefined) return undefined
    this.#slots.delete(id)
    clearTimeout(slot.timer)
    const prepared = await slot.prepared
    if (prepared === undefined || (slot.startedAt === state.startedAt && !slot.isGone)) return prepared
    await discard(prepared)
    return undefined
  }

  /** An exec without terminal and stdin has ended in a container. */
  ended({ id, state, hostConfig }: ContainerRecord): void {
    const now = Date.now()
    const isHabit = now - (this.#lastExecs.get(id) ?? 0) < habitMs
    this.#lastExecs.delete(id)
    if (this.#isClosed || state.status !== 'running' || (hostConfig.OomScoreAdj ?? 0) !== 0) return
    this.#lastExecs.set(id, now)
    for (const [other, at] of this.#lastExecs) if (now - at >= habitMs) this.#lastExecs.delete(other)
    // Whoever waited for the end comes first.
    if (isHabit) setImmediate(() => this.#fill(id, state.startedAt))
  }

  /** The container does not run any more. */
  forget(id: string): void {
    this.#lastExecs.delete(id)
    void this.#drop(id)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#lastExecs.clear()
    await Promise.all([...this.#slots.keys()].map(id => this.#drop(id)))
  }

  #fill(id: string, startedAt: string): void {
    if (this.#isClosed) return
    this.#cgroupAttach.expect(promptMs)
    if (this.#slots.has(id)) return
    const [oldest] = this.#slots.keys()
    if (oldest !== undefined && this.#slots.size >= mostWaiting) void this.#drop(oldest)
    const slot: Slot = { startedAt, prepared: this.#prepare(id), isGone: false }
    this.#slots.set(id, slot)
    slot.timer = setTimeout(() => void this.#drop(id), idleMs)
    slot.timer.unref()
    void slot.prepared.then(async prepared => {
      await prepared?.exec.ended
      slot.isGone = true
      if (this.#slots.get(id) === slot) await this.#drop(id)
    })
  }

  async #drop(id: string): Promise<void> {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    this.#slots.delete(id)
    clearTimeout(slot.timer)
    const prepared = await slot.prepared
    if (prepared !== undefined) await discard(prepared)
  }

  async #prepare(id: string): Promise<PreparedExec | undefined> {
    const unwind = new Unwind()
    try {
      const stdio = await openStdio(this.#host, { tty: false, openStdin: false, socketPath: '' }, unwind)
      const exec = await this.#oci.prepareExec({ id, stdio: stdio.child })
      stdio.spawned()
      if (exec !== undefined) return { stdio, exec, unwind }
    } catch {
      // Whatever it is shows again, and is told, at the next exec.
    }
    await unwind.run()
    return undefined
  }
}

/** Where it is not used after all. */
async function discard({ exec, unwind }: PreparedExec): Promise<void> {
  exec.discard()
  await unwind.run()
  await exec.ended
}
