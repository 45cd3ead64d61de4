import { mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Done } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { Unwind } from '../../src/util/unwind.js'
import { currentProcess, identify, isAlive } from '../host/process-identity.js'
import type { Sandbox } from '../networks/network-manager.js'
import type { Endpoint } from '../networks/network-record.js'
import { buildSpec } from '../oci/build-spec.js'
import { cgroupMounts } from '../oci/cgroup-mounts.js'
import type { Run } from '../oci/run.js'
import { resolveUser } from '../oci/user.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import { containerFiles, writeContainerFiles } from './container-files.js'
import { containerInit } from './container-init.js'
import type { ContainerRecord, HealthState } from './container-record.js'
import { withEngineDefaults } from './engine-defaults.js'
import { containerAttributes } from './event-attributes.js'
import { firstHealth, type HealthWatch, watchHealth } from './health.js'
import { type KeptRun, startKept } from './kept-run.js'
import type { RunResult } from './live-containers.js'
import { nanoTime } from './nano-time.js'
import { announceEndpoints } from './network-events.js'
import { type OomWatch, watchOom } from './oom-watch.js'
import { openLog } from './open-log.js'
import { attachedMounts, closeMounts, openMounts } from './open-mounts.js'
import { networkFacts, type OpenNetwork, openNetwork } from './open-network.js'
import { openStdio } from './open-stdio.js'
import { forgetContainer, removeContainerVolumes, takeAway } from './remove.js'
import { closeSharedNamespaces, namespaceOwners } from './shared-namespaces.js'
import { startFailure } from './start-failure.js'
import { readUserDatabase } from './user-database.js'

/** A process that ends closes its output a moment before it is gone: how often, a millisecond apart, that is looked at. */
const endLooks = 10

/** Output that has not ended this long after the process is held by something outside the container. */
const drainGraceMs = 2_000

/**
 * Start a container. `modified` is false where it runs already.
 *
 * @throws EngineError what the OCI runtime refused, with `details.exitCode` 126 or 127 as the docker command would exit; everything
 *   done until then is undone and the record says what happened
 */
export async function startContainer(context: ContainerContext, idOrName: string, signal: AbortSignal): Promise<Done> {
  const { id, state } = context.store.get(idOrName)
  context.restarts.cancel(id)
  // Whoever starts it takes back that somebody stopped it, and begins to count anew.
  if (state.stoppedByHand || state.restartCount > 0) await context.store.setState(id, { stoppedByHand: false, restartCount: 0 })
  return launchContainer(context, id, signal)
}

/** Start a container without regard to who stopped it: what its restart policy does. */
export function launchContainer(context: ContainerContext, id: string, signal: AbortSignal): Promise<Done> {
  return context.live.exclusive(id, async () => {
    const record = context.store.get(id)
    if (record.state.status === 'running') {
      if (record.state.paused)
        throw new EngineError('conflict', 'cannot start a paused container, try unpause instead', { details: { id } })
      refuseForeign(record)
      return { modified: false }
    }
    const unwind = new Unwind()
    try {
      await launch(context, record, unwind, signal)
      unwind.commit()
      return { modified: true }
    } catch (error) {
      const failures = await unwind.run()
      const exitCode = EngineError.is(error) && typeof error.details.exitCode === 'number' ? error.details.exitCode : 128
      const message = error instanceof Error ? error.message : String(error)
      await context.store.setState(id, { status: record.state.status, pid: 0, exitCode, error: message })
      // What was to go away at its end goes away where it never began, as in Docker; who waits for that is told after the caller.
      if (record.hostConfig.AutoRemove) {
        await takeAllAway(context, record)
        setImmediate(() => forgetContainer(context, record))
      }
      if (failures.length > 0 && error instanceof Error) Object.assign(error, { suppressed: failures })
      throw error
    }
  })
}

function refuseForeign(record: ContainerRecord): void {
  const monitor = record.state.monitor
  if (monitor === undefined || isAlive(monitor)) return
  throw new EngineError(
    'conflict',
    `container ${record.name} was left running by process ${monitor.pid}, which is gone: open the engine anew, it cleans up what was left`,
    { details: { id: record.id } }
  )
}

async function launch(context: ContainerContext, asked: ContainerRecord, unwind: Unwind, signal: AbortSignal): Promise<void> {
  const record = withEngineDefaults(asked, context.settings.current)
  const { host, paths, store } = context
  const { id, config, hostConfig } = record
  const rootfs = paths.rootfs(id)
  const bundle = paths.bundle(id)
  const log = openLog(context, record)
  context.cgroupAttach.expect()
  unwind.add(() => removeRunFolders(context, id))
  mkdirSync(bundle, { recursive: true, mode: 0o700 })
  mkdirSync(rootfs, { recursive: true, mode: 0o700 })

  // The mount, the network and the streams do not need each other: side by side. Each adds its own undo, whichever fails.
  if (!record.keep) unwind.add(() => context.watchdog.release(id))
  const guarded = record.keep ? undefined : context.watchdog.guard(id)
  guarded?.catch(() => {})
  const mounted = mountRoot(context, record, rootfs, unwind)
  const prepared = await context.prepared.take(id, record)
  if (prepared !== undefined) unwind.add(() => prepared.discard())
  const [user, network, stdio] = await all([
    mounted.then(() => resolveContainerUser(context, record, rootfs)),
    openNetwork(context, record, { unwind, signal, ...(prepared && { prepared: prepared.sandbox }) }),
    prepared
      ? Promise.resolve(prepared.stdio)
      : openStdio(host, { tty: config.Tty ?? false, openStdin: config.OpenStdin ?? false, socketPath: `${bundle}/tty` }, unwind)
  ])
  signal.throwIfAborted()
  if (config.WorkingDir && config.WorkingDir !== '/') {
    await makeWorkingFolder(context, rootfs, config.WorkingDir)
  }
  const mounts = record.mounts === undefined ? [] : await openMounts(context, record, unwind)
  const hostname = network.hostname ?? config.Hostname ?? ''
  const files =
    network.filesOf === undefined
      ? writeContainerFiles(paths.containerFolder(id), networkFacts(record, network))
      : containerFiles(paths.containerFolder(network.filesOf))
  const init = hostConfig.Init ? containerInit() : undefined
  const owners = await namespaceOwners(context, record, unwind)
  const spec = buildSpec({
    id,
    config,
    hostConfig,
    args: [...(init?.argv ?? []), record.path, ...record.args],
    user,
    rootfs,
    hostname,
    files: [
      { source: files.resolvConf, destination: '/etc/resolv.conf' },
      { source: files.hostname, destination: '/etc/hostname' },
      { source: files.hosts, destination: '/etc/hosts' }
    ],
    mounts: init === undefined ? mounts : [...mounts, init.mount],
    networkNamespace: network.namespacePath,
    ...owners,
    cgroupsPath: cgroupOf(paths, record),
    cgroupMounts: cgroupMounts(context.cgroups, { path: cgroupOf(paths, record), privileged: hostConfig.Privileged ?? false }),
    availableCapabilities: context.availableCapabilities,
    architecture: process.arch,
    seccompPrograms: context.seccompPrograms
  })
  unwind.add(() => context.oci.remove(id))
  await guarded
  const request = { id, bundle, spec, stdio: stdio.child, ...(stdio.consoleSocket && { consoleSocket: stdio.consoleSocket.path }) }
  const kept = record.keep ? await startKept(context, record, request, stdio) : undefined
  const run = kept?.run ?? prepared?.run({ bundle, spec }) ?? (await context.oci.run(request))
  stdio.spawned()
  const pid = await run.pid
  if (pid === undefined) {
    run.release?.()
    throw await startFailure(context, record, rootfs, (await run.process.exited).code)
  }
  context.prepared.started(record)
  const oom = watchOom(context, record)
  const health = watchHealth(context, record)
  if (oom !== undefined) unwind.add(() => oom.end(0))
  const startedAt = nanoTime()
  const io = context.live.io(id, config)
  const streams = await stdio.connect()
  const holder = await kept?.hold(streams)
  io.begin(streams, log)
  // Recorded before the exit is, for transactions keep their order; but a process that has ended by now is not kept waiting for it.
  const recorded = store.setState(id, {
    status: 'running',
    pid,
    exitCode: 0,
    error: '',
    oomKilled: false,
    startedAt,
    monitor: currentProcess(),
    ...(kept && { guard: { process: kept.run.guard, ...(holder && { holder }) } }),
    restarting: false,
    ...(firstHealth(config) && { health: firstHealth(config) as HealthState }),
    ...network.state
  })
  // Who hears of the start finds it in the record.
  const announced = recorded.then(() => announce(context, record, network))
  const ended = watch(context, record, run, { pid, network, announced, oom, health })
  context.live.begin(id, config, { pid, ended, ...(kept && { letGo: () => letGo(kept, network, health) }) })
  // The container holds its mounts from here on: nothing of the launcher's has to stay for it.
  await Promise.all([announced, host.unmount(rootfs)])
}

async function makeWorkingFolder({ host }: ContainerContext, rootfs: string, path: string): Promise<void> {
  try {
    await host.makeDirectoryIn(rootfs, path, { mode: 0o755, uid: 0, gid: 0 })
  } catch (cause) {
    if (!EngineError.is(cause) || cause.code !== 'conflict') throw cause
    throw new EngineError('failed', `Cannot mkdir: ${path} is not a directory`, { cause, details: { field: 'WorkingDir' } })
  }
}

/** The container has its namespace by itself. */
function letGo({ run }: KeptRun, { sandbox }: OpenNetwork, health: HealthWatch | undefined): void {
  health?.end()
  run.line.letGo()
  sandbox?.release()
}

function announce(context: ContainerContext, record: ContainerRecord, network: OpenNetwork): void {
  announceEndpoints(context, record, 'connect', network.state.endpoints ?? [])
  context.events.publish({ Type: 'container', Action: 'start', id: record.id, attributes: containerAttributes(record) })
}

/** Follow a run to its end: streams drained, everything of the run taken back, the exit recorded. */
export async function watch(
  context: ContainerContext,
  record: ContainerRecord,
  run: Run,
  {
    pid,
    network,
    announced,
    oom,
    health
  }: {
    readonly pid: number
    readonly network: Pick<OpenNetwork, 'sandbox' | 'state'>
    readonly announced: Promise<void>
    readonly oom: OomWatch | undefined
    readonly health: HealthWatch | undefined
  }
): Promise<RunResult> {
  const { id, config } = record
  const failures: unknown[] = []
  const attempt = (step: Promise<unknown> | undefined) => step?.catch(error => failures.push(error))
  const io = context.live.io(id, config)
  const goesAway = record.hostConfig.AutoRemove ?? false
  // The OCI runtime cleans up for some milliseconds after the process: what does not concern it is taken back meanwhile.
  await Promise.race([run.process.exited, processEnd(pid, io.drained)])
  health?.end()
  // It may have joined and left networks since its start.
  const endpoints = context.store.find(id)?.state.endpoints ?? network.state.endpoints ?? []
  // A guard writes into the container's folder how it ended.
  const lastWord = record.keep ? run.process.exited : Promise.resolve()
  const takenBack = Promise.all([
    attempt(takeBack(context, record, network.sandbox, endpoints)),
    goesAway ? attempt(lastWord.then(() => drain(io.drained)).then(() => takeAllAway(context, record))) : undefined
  ])
  const { code, signal } = await run.process.exited
  // The OCI runtime exits with the code of the process, 128 + n for signal n. Killed itself, it says nothing of the process.
  const exitCode = code ?? (signal === null ? 255 : 137)
  await Promise.all([
    takenBack,
    attempt(drain(io.drained).then(() => run.release?.())),
    code === null ? attempt(context.oci.remove(id)) : undefined
  ])
  if (oom !== undefined) await oom.end(exitCode)
  const result: RunResult = failures.length === 0 ? { exitCode } : { exitCode, error: String(failures[0]) }
  // A record that went with its container needs no exit code.
  const restarts = !goesAway && context.restarts.wants(context.store.find(id) ?? record, exitCode)
  if (!goesAway || failures.length > 0) await attempt(recordExit(context, id, result, { restarting: restarts }))
  await attempt(announced)
  const attributes = { ...containerAttributes(context.store.find(id) ?? record), exitCode: String(exitCode) }
  context.events.publish({ Type: 'container', Action: 'die', id, attributes })
  announceEndpoints(context, record, 'disconnect', endpoints)
  io.finish()
  context.prepared.ended(record)
  if (restarts) context.restarts.schedule(context.store.find(id) ?? record)
  // After those who wait for the exit have been told, those who wait for the removal.
  if (goesAway) setImmediate(() => forgetContainer(context, record))
  return result
}

/** Write down that a run has ended. */
export async function recordExit(
  context: ContainerContext,
  id: string,
  { exitCode, error = '' }: RunResult,
  { finishedAt = nanoTime(), restarting }: { readonly finishedAt?: string; readonly restarting: boolean }
): Promise<void> {
  await context.store.update(
    id,
    ({ state: { endpoints, ports: _ports, monitor: _monitor, paused: _paused, guard: _guard, ...state }, ...rest }) => ({
      ...rest,
      state: {
        ...state,
        // Who is not looked after any more is not healthy, as in Docker.
        ...(state.health && { health: { ...state.health, status: 'unhealthy' as const } }),
        status: 'exited',
        pid: 0,
        exitCode,
        error,
        finishedAt,
        restarting,
        // Docker counts the one that is decided on.
        restartCount: state.restartCount + (restarting ? 1 : 0),
        networkIds: Object.fromEntries((endpoints ?? []).map(({ networkName, networkId }) => [networkName, networkId]))
      }
    })
  )
}

/** `--rm`: with the volumes that nobody named. */
export async function takeAllAway(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await takeAway(context, record)
  await removeContainerVolumes(context, record)
}

/** What a run had of the host, the read-write layer excepted. */
async function takeBack(
  context: ContainerContext,
  record: ContainerRecord,
  sandbox: Sandbox | undefined,
  endpoints: readonly Endpoint[]
): Promise<void> {
  const { host, paths, networks } = context
  context.preparedExecs.forget(record.id)
  sandbox?.release()
  const attached = attachedMounts(context, record)
  await closeSharedNamespaces(context, record)
  removeRunFolders(context, record.id)
  await Promise.all([
    host.unmount(paths.rootfs(record.id)),
    record.mounts && closeMounts(context, record, attached),
    endpoints.length > 0 && networks.disconnect(record.id, endpoints),
    context.watchdog.release(record.id)
  ])
}

/** Two folders with next to nothing in them: sooner done than asked for elsewhere. */
function removeRunFolders({ paths }: ContainerContext, id: string): void {
  for (const folder of [paths.bundle(id), paths.rootfs(id)]) rmSync(folder, { recursive: true, force: true })
}

/** Resolves when a process whose output has ended is gone; never when it goes on without output. */
async function processEnd(pid: number, drained: Promise<void>): Promise<void> {
  await drained
  for (let look = 0; identify(pid) !== undefined; look++) {
    if (look === endLooks) return new Promise(() => {})
    await sleep(1)
  }
}

async function drain(drained: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, drainGraceMs)
  })
  await Promise.race([drained, late])
  clearTimeout(timer)
}

async function mountRoot(context: ContainerContext, record: ContainerRecord, rootfs: string, unwind: Unwind): Promise<void> {
  await context.host.mountOverlay(context.snapshotter.mounts(record.id), rootfs)
  unwind.add(() => context.host.unmount(rootfs))
}

async function resolveContainerUser(context: ContainerContext, record: ContainerRecord, rootfs: string) {
  return resolveUser(record.config.User ?? '', await readUserDatabase(context.host, rootfs), record.hostConfig.GroupAdd ?? [])
}

/** All or the first failure, but never before every one has settled: what is undone afterwards must not be still under way. */
async function all<T extends readonly unknown[]>(promises: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const settled = await Promise.allSettled(promises)
  const failed = settled.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return Promise.all(promises) as Promise<unknown> as Promise<T>
}
