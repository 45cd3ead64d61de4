import { randomBytes } from 'node:crypto'
import type { ContainerConfig, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { once } from '../../src/util/once.js'
import { Unwind } from '../../src/util/unwind.js'
import type { Host } from '../host/host.js'
import type { NetworkManager, Sandbox } from '../networks/network-manager.js'
import type { OciRuntime } from '../oci/oci-runtime.js'
import type { PreparedRun } from '../oci/prepared-run.js'
import { networkOfMode } from './container-networks.js'
import { portRequests } from './container-ports.js'
import type { ContainerNetworks } from './container-record.js'
import { openStdio, type Stdio } from './open-stdio.js'

/** A container that is not started this soon after it was made is started in the ordinary way. */
const claimMs = 5_000

/** An engine that starts nothing for this long keeps nothing in readiness. */
const idleMs = 30_000

/** A container that runs longer than this does not end before the next one is made. */
const longRunMs = 50

/** A run that waits for what is to be run: the OCI runtime, its streams, and a place on the default network. */
export interface Prepared {
  readonly sandbox: Sandbox
  readonly stdio: Stdio
  readonly run: PreparedRun['run']
  /** Where it is not run after all. Idempotent. */
  discard(): Promise<void>
}

/** What decides whether a container can be started from what was prepared. */
interface StartSettings {
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  readonly networks?: ContainerNetworks
}

/** On its way or ready. */
interface Slot {
  readonly id: string
  readonly openStdin: boolean
  /** Undefined where it could not be prepared, or has ended meanwhile. Never rejects. */
  readonly prepared: Promise<(Prepared & Pick<PreparedRun, 'ended'>) | undefined>
  timer?: NodeJS.Timeout
}

export interface PreparedRunsOptions {
  readonly host: Host
  readonly oci: OciRuntime
  readonly networks: NetworkManager
}

/**
 * Whoever starts one container usually starts another. So after a start the next one is set up to where it needs to know what it is to run
 * (`runtime/oci/prepared-run.ts`): a container gets its id from there when it is created.
 */
export class PreparedRuns {
  readonly #options: PreparedRunsOptions
  readonly #slots = new Map<string, Slot>()
  readonly #closing = new AbortController()
  #free: Slot | undefined
  #longRun: NodeJS.Timeout | undefined

  constructor(options: PreparedRunsOptions) {
    this.#options = options
  }

  /** The id under which a container of these settings starts sooner; undefined: any will do. */
  claim(settings: StartSettings): string | undefined {
    const slot = this.#free
    if (slot === undefined || !isPlain(settings) || slot.openStdin !== opensStdin(settings)) return undefined
    this.#free = undefined
    this.#limit(slot, claimMs)
    return slot.id
  }

  /** What waits for the container of this id: the caller runs or discards it. Nothing where it has joined networks since it was made. */
  async take(id: string, settings: StartSettings): Promise<Prepared | undefined> {
    const slot = this.#slots.get(id)
    if (slot === undefined) return undefined
    this.#slots.delete(id)
    clearTimeout(slot.timer)
    const prepared = await slot.prepared
    if (prepared === undefined || isPlain(settings)) return prepared
    await prepared.discard()
    return undefined
  }

  /** A container of these settings has been started: have the next one ready when that can be expected. */
  started(settings: StartSettings): void {
    if (this.#closing.signal.aborted || !isPlain(settings)) return
    clearTimeout(this.#longRun)
    this.#longRun = setTimeout(() => this.#replenish(settings), longRunMs)
    this.#longRun.unref()
  }

  /** One has ended, and nothing of it is left to do. */
  ended(settings: StartSettings): void {
    if (!isPlain(settings)) return
    clearTimeout(this.#longRun)
    // Whoever waited for the end comes first.
    setImmediate(() => this.#replenish(settings))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#longRun)
    await Promise.all([...this.#slots.values()].map(slot => this.#discard(slot)))
  }

  #replenish(settings: StartSettings): void {
    if (this.#closing.signal.aborted) return
    const openStdin = opensStdin(settings)
    if (this.#free !== undefined && this.#free.openStdin !== openStdin) void this.#discard(this.#free)
    this.#free ??= this.#make(openStdin)
    this.#limit(this.#free, idleMs)
  }

  #make(openStdin: boolean): Slot {
    const id = randomBytes(32).toString('hex')
    const slot: Slot = { id, openStdin, prepared: prepare(this.#options, { id, openStdin, signal: this.#closing.signal }) }
    this.#slots.set(id, slot)
    void slot.prepared.then(async prepared => {
      // In time: it is still here, and nobody's. A failure costs time and nothing else.
      await prepared?.ended
      if (this.#slots.get(id) === slot) await this.#discard(slot)
    })
    return slot
  }

  async #discard(slot: Slot): Promise<void> {
    clearTimeout(slot.timer)
    this.#slots.delete(slot.id)
    if (this.#free === slot) this.#free = undefined
    await (await slot.prepared)?.discard()
  }

  #limit(slot: Slot, ms: number): void {
    clearTimeout(slot.timer)
    slot.timer = setTimeout(() => void this.#discard(slot), ms)
    slot.timer.unref()
  }
}

/** Nobody knows its name yet; on the default network nobody looks for it by name either. */
async function plugIn(networks: NetworkManager, id: string, signal: AbortSignal): Promise<Sandbox> {
  const { id: networkId } = await networks.get('bridge')
  return networks.connect({ containerId: id, containerName: '', endpoints: [{ networkId, names: [] }] }, { signal })
}

async function prepare(
  { host, oci, networks }: PreparedRunsOptions,
  { id, openStdin, signal }: { readonly id: string; readonly openStdin: boolean; readonly signal: AbortSignal }
): Promise<(Prepared & Pick<PreparedRun, 'ended'>) | undefined> {
  const unwind = new Unwind()
  try {
    const stdio = await openStdio(host, { tty: false, openStdin, socketPath: '' }, unwind)
    const [waiting, plugged] = await Promise.allSettled([oci.prepare({ id, stdio: stdio.child }), plugIn(networks, id, signal)])
    stdio.spawned()
    if (waiting.status === 'fulfilled') unwind.add(() => waiting.value?.discard())
    if (plugged.status === 'rejected') throw plugged.reason
    const sandbox = plugged.value
    unwind.add(async () => {
      sandbox.release()
      await networks.disconnect(id)
    })
    if (waiting.status === 'rejected') throw waiting.reason
    if (waiting.value === undefined) throw new EngineError('not_supported', 'this OCI runtime cannot wait')
    const { run, ended } = waiting.value
    return { stdio, sandbox, run, ended, discard: once(async () => void (await unwind.run())) }
  } catch {
    // Whatever it is shows again, and is told, when a container is started in the ordinary way.
    await unwind.run()
    return undefined
  }
}

/**
 * Streams and network are there before anything is known of the container: only what every such container has can be prepared. Whatever
 * changes a container's streams or its place on the default network belongs here.
 */
function isPlain({ config, hostConfig, networks = {} }: StartSettings): boolean {
  const onDefaultNetwork = networkOfMode(hostConfig) === 'bridge' && Object.keys(networks).every(name => name === 'bridge')
  const asksForMore = Object.keys(networks.bridge ?? {}).length > 0
  return !config.Tty && onDefaultNetwork && !asksForMore && !config.MacAddress && portRequests(config, hostConfig).length === 0
}

function opensStdin({ config }: StartSettings): boolean {
  return config.OpenStdin ?? false
}
