import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Handlers, newestVersion } from '../src/api/index.js'
import { EngineError } from '../src/errors/index.js'
import { Unwind } from '../src/util/unwind.js'
import { adoptContainers } from './containers/adopt.js'
import type { ContainerContext } from './containers/container-context.js'
import type { ContainerRecord } from './containers/container-record.js'
import { createContainerStore } from './containers/container-store.js'
import { Execs } from './containers/execs.js'
import { LiveContainers } from './containers/live-containers.js'
import { makeDataRoot } from './containers/make-data-root.js'
import { PreparedExecs } from './containers/prepared-execs.js'
import { PreparedRuns } from './containers/prepared-runs.js'
import { removeContainer } from './containers/remove.js'
import { Restarts } from './containers/restarts.js'
import { defaultRoot, rootTag, runtimePaths } from './containers/runtime-paths.js'
import { launchContainer } from './containers/start.js'
import { stopKept } from './containers/stop-kept.js'
import { sweepContainers } from './containers/sweep.js'
import { createContentStore } from './content/file-content-store.js'
import type { ConnectionPool } from './daemon/connection-pool.js'
import type { Listener, ListenOptions } from './daemon/listener.js'
import { EventFile } from './events/event-file.js'
import { EventLog } from './events/event-log.js'
import { adopting } from './handlers/adopting.js'
import { archiveHandlers } from './handlers/archive-handlers.js'
import { checkSettings } from './handlers/check-settings.js'
import { containerHandlers } from './handlers/container-handlers.js'
import { diskUsageHandlers } from './handlers/disk-usage.js'
import { execHandlers } from './handlers/exec-handlers.js'
import { imageArchiveHandlers } from './handlers/image-archive-handlers.js'
import { imageHandlers } from './handlers/image-handlers.js'
import { networkHandlers } from './handlers/network-handlers.js'
import { pluginHandlers } from './handlers/plugin-handlers.js'
import { registryHandlers } from './handlers/registry-handlers.js'
import { reloadEvent } from './handlers/reload-event.js'
import { remoteImageHandlers } from './handlers/remote-image-handlers.js'
import { signHandlers } from './handlers/sign-handlers.js'
import { authHandlers } from './handlers/system-auth.js'
import { systemHandlers } from './handlers/system-handlers.js'
import { runtimeApiVersion, smallestApiVersion, version } from './handlers/version.js'
import { volumeHandlers } from './handlers/volume-handlers.js'
import { createCgroupAttach } from './host/cgroup-attach.js'
import { removeEmptyCgroup } from './host/cgroups.js'
import { createHost } from './host/create-host.js'
import { openKernel } from './host/koffi-kernel.js'
import { explainReport, type HostReport, probeHost } from './host/probe.js'
import { currentProcess } from './host/process-identity.js'
import { openSeccompCompiler } from './host/seccomp-compiler.js'
import { Trash } from './host/trash.js'
import { createImageService } from './images/create-image-service.js'
import { Semaphore } from './images/semaphore.js'
import { createLayerUnpacker } from './layers/layer-unpacker.js'
import { openMetadataStore } from './metadata/lmdb-store.js'
import { createNetworkManager } from './networks/create-network-manager.js'
import type { NetworkDefaults } from './networks/network-defaults.js'
import { readBoundingSet } from './oci/capabilities.js'
import { createOciRuntime } from './oci/oci-runtime.js'
import { createSeccompPrograms } from './oci/seccomp-programs.js'
import type { RegistriesSettings } from './registry/endpoints.js'
import { LiveRegistries, type RegistryLists } from './registry/live-registries.js'
import { proxiesOf } from './registry/proxy-rules.js'
import { createRegistryClient } from './registry/registry-client.js'
import type { Registries } from './registry-server/registries.js'
import { type EngineSettings, LiveSettings } from './settings/engine-settings.js'
import { createSnapshotter } from './snapshots/overlay-snapshotter.js'
import { createWatchdog } from './supervise/watchdog.js'
import { createTrustGate } from './trust/trust-gate.js'
import { createVolumeService } from './volumes/create-volume-service.js'

/** Settings of the in-process runtime. */
export interface RuntimeOptions {
  /** Data root. Several processes may use one at once. @default /var/lib/gantry */
  readonly root?: string
  /** OCI runtime: a name on PATH, or a path. @default crun, else runc */
  readonly runtime?: string
  /** Mirrors, plain HTTP, credentials and certificates, by registry host. Loopback is plain HTTP by default. */
  readonly registries?: RegistriesSettings
  /**
   * How long what is made here lives: `session`, until the runtime is closed or its process ends; `daemon`, until somebody removes it.
   *
   * @default 'session'
   */
  readonly lifetime?: 'session' | 'daemon'
  /** What is set for the engine as a whole. @default as dockerd */
  readonly settings?: Partial<EngineSettings>
  readonly signal?: AbortSignal
}

/** The engine of this host. */
export interface Runtime {
  readonly handlers: Handlers
  readonly apiVersion: string
  readonly root: string
  /**
   * Serve this engine over HTTP to Docker's clients, beside its use in this process. Ends with the runtime at the latest.
   *
   * @param address - `unix:///run/gantry.sock` or `tcp://host:port`
   * @throws EngineError `invalid_argument`, `conflict`, `permission_denied`, `not_found`
   */
  listen(address: string, options?: ListenOptions): Promise<Listener>
  /**
   * Change settings while it runs, all or none of them, and tell who listens to events. What is not in it stays as it is.
   *
   * @throws EngineError `invalid_argument`
   */
  reload(settings: Partial<EngineSettings>): void
  /** Remove what this session made and give everything back. Idempotent. */
  close(): Promise<void>
}

/** Whether this host can run containers, in words. */
export async function probeRuntime(options: Pick<RuntimeOptions, 'runtime'> = {}) {
  const report = await probeHost(options)
  return { usable: report.usable, ...explainReport(report) }
}

/**
 * Put the runtime together: open the data root, clean up what dead processes left in it, and answer the contract.
 *
 * @throws EngineError `not_supported`, `permission_denied` where the host cannot run containers
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const report = await probeHost(options)
  if (!report.usable) throw unusable(report)
  const paths = runtimePaths(resolve(options.root ?? defaultRoot))
  const unwind = new Unwind()
  const opened = <T extends { close(): unknown }>(part: T): T => {
    unwind.add(() => part.close())
    return part
  }
  try {
    await makeDataRoot(paths.root)
    await Promise.all([
      ...['oci', 'bundles', 'rootfs', 'locks'].map(name => mkdir(join(paths.runRoot, name), { recursive: true, mode: 0o700 })),
      mkdir(join(paths.root, 'containers'), { recursive: true, mode: 0o710 })
    ])
    const [metadata, host, content, availableCapabilities, seccompCompiler] = await Promise.all([
      openMetadataStore({ path: paths.metadata }).then(opened),
      createHost({ runRoot: paths.runRoot }).then(opened),
      createContentStore({ root: paths.content }),
      readBoundingSet(),
      openKernel().then(openSeccompCompiler)
    ])
    const unpacker = opened(createLayerUnpacker())
    const settings = new LiveSettings(options.settings)
    checkSettings(settings.current)
    const registries = new LiveRegistries(options.registries ?? {}, registryLists(settings.current))
    const proxies = () => proxiesOf(settings.current)
    const registry = opened(createRegistryClient({ registries: registries.settings, settle: registries.settle, proxies }))
    const trust = createTrustGate({ registry, rules: settings.current.trust })
    const trash = opened(new Trash(paths.trash))
    await trash.sweep()
    const snapshotter = opened(await createSnapshotter({ root: paths.root, metadata }))
    for (const folder of paths.crowded) host.spreadFolders(folder)
    const networks = opened(
      await createNetworkManager({
        host,
        metadata,
        tag: rootTag(paths.root),
        lockPath: paths.lock('networks'),
        defaults: networkDefaults(settings.current)
      })
    )
    const downloads = new Semaphore(settings.current.maxConcurrentDownloads)
    const uploads = new Semaphore(settings.current.maxConcurrentUploads)
    const images = createImageService({
      downloads,
      trust,
      uploads,
      content,
      metadata,
      snapshotter,
      unpack: unpacker.apply,
      registry,
      lock: (path, lockOptions) => host.lock(path, lockOptions),
      runRoot: paths.runRoot
    })
    const session = { id: randomBytes(8).toString('hex'), owner: currentProcess(), keeps: options.lifetime === 'daemon' }
    const watchdog = opened(
      createWatchdog({ host, folder: paths.session(session.id), ociRuntime: report.runtimePath, ociStateRoot: paths.ociState })
    )
    const oci = await createOciRuntime({ host, path: report.runtimePath, stateRoot: paths.ociState })
    const events = opened(new EventLog(new EventFile(paths.runRoot), session.id))
    const volumes = createVolumeService({ host, metadata, events, root: paths.root, lockPath: paths.lock, session })
    const store = createContainerStore(metadata)
    const cgroupAttach = opened(createCgroupAttach(report.cgroups))
    const context: ContainerContext = {
      host,
      store,
      images,
      snapshotter,
      networks,
      volumes,
      oci,
      prepared: opened(new PreparedRuns({ host, oci, networks })),
      preparedExecs: opened(new PreparedExecs({ host, oci, cgroupAttach })),
      events,
      live: new LiveContainers(),
      execs: new Execs(),
      restarts: opened(new Restarts(store)),
      settings,
      paths,
      trash,
      cgroups: report.cgroups,
      cgroupAttach,
      session,
      watchdog,
      availableCapabilities,
      seccompPrograms: createSeccompPrograms(seccompCompiler, oci.name)
    }
    context.restarts.connect((id, signal) => launchContainer(context, id, signal))
    await sweepContainers(context)
    await adoptContainers(context)
    if (context.session.keeps) context.restarts.resume()
    // Networks of dead sessions, now that their containers are gone.
    await networks.sweep({ patient: false })
    await volumes.sweep()
    await images.collectGarbage()
    let closed: Promise<void> | undefined
    // Loaded when the first one is made: most engines serve none.
    let registriesServed: Promise<Registries> | undefined
    const servedRegistries = () => {
      registriesServed ??= import('./registry-server/registries.js').then(part => new part.Registries())
      return registriesServed
    }
    const lists: Handlers = {
      ...imageHandlers(context),
      ...imageArchiveHandlers(context),
      ...adopting(context, containerHandlers(context))
    }
    const listeners = new Set<Listener>()
    const openListeners = new Set<Listener>()
    const handlers = {
      ...pluginHandlers(),
      ...systemHandlers(context, {
        registries: registries.settings,
        openAddresses: () => [...openListeners].map(({ address }) => address)
      }),
      ...authHandlers(registry),
      ...remoteImageHandlers(context, registry),
      ...signHandlers(context),
      ...lists,
      ...diskUsageHandlers(context, lists),
      ...archiveHandlers(context),
      ...execHandlers(context),
      ...registryHandlers({
        registries: servedRegistries,
        defaultStorage: join(paths.root, 'registry'),
        reach: { registries: registries.settings, settle: registries.settle, proxies },
        content
      }),
      ...networkHandlers(context),
      ...volumeHandlers(context)
    }
    let pool: ConnectionPool | undefined
    return {
      handlers,
      apiVersion: runtimeApiVersion,
      root: paths.root,
      async listen(address, listenOptions) {
        // Loaded here, because most engines serve nobody but their own process.
        const [{ listen }, { ConnectionPool }] = await Promise.all([import('./daemon/listener.js'), import('./daemon/connection-pool.js')])
        pool ??= new ConnectionPool()
        const engine = { handlers, version, apiVersion: runtimeApiVersion, newestApiVersion: newestVersion, smallestApiVersion }
        const listener = await listen(engine, address, listenOptions, pool)
        listeners.add(listener)
        if (address.startsWith('tcp:') && listenOptions?.tls === undefined) openListeners.add(listener)
        return listener
      },
      reload(change) {
        checkSettings({ ...settings.current, ...change })
        const useRules = trust.compile({ ...settings.current, ...change }.trust)
        registries.change(registryLists({ ...settings.current, ...change }))
        useRules()
        settings.change(change)
        downloads.places = settings.current.maxConcurrentDownloads
        uploads.places = settings.current.maxConcurrentUploads
        context.events.publish(reloadEvent(context))
      },
      close: () => {
        closed ??= Promise.all([...listeners].map(listener => listener.close()))
          .then(async () => (await registriesServed)?.close())
          .then(() => closeRuntime(context, unwind))
        return closed
      }
    }
  } catch (error) {
    await unwind.run()
    throw error
  }
}

function networkDefaults({ addressPools, bridgeAddress, mtu, userlandProxy }: EngineSettings): NetworkDefaults {
  return { pools: addressPools, userlandProxy, ...(bridgeAddress !== undefined && { bridgeAddress }), ...(mtu !== undefined && { mtu }) }
}

function registryLists({ registryMirrors, insecureRegistries }: EngineSettings): RegistryLists {
  return { mirrors: registryMirrors, insecure: insecureRegistries }
}

/** The session's containers first, then the parts in the reverse order of their making. */
async function closeRuntime(context: ContainerContext, parts: Unwind): Promise<void> {
  const own = context.store.list().filter(record => record.sessionId === context.session.id && !record.keep)
  if (context.session.keeps && !context.settings.current.liveRestore) await stopKept(context)
  context.restarts.close()
  const removed = await Promise.allSettled(own.map(record => removeContainer(context, record.id, { force: true, volumes: true })))
  const left = await context.live.letGo()
  await Promise.all(left.map(id => context.store.update(id, forgetMonitor)))
  const volumes = await Promise.allSettled([context.volumes.endSession()])
  // Where others work on the same data, their containers' groups need the parent.
  if (context.store.list().length === 0) await removeEmptyCgroup(context.cgroups, context.paths.cgroupParent).catch(() => {})
  const failures = [
    ...[...removed, ...volumes].flatMap(result => (result.status === 'rejected' ? [result.reason] : [])),
    ...(await parts.run())
  ].filter(failure => !(EngineError.is(failure) && failure.code === 'not_found'))
  if (failures.length > 0) throw failures[0]
}

/** Whoever comes next may watch it. */
function forgetMonitor({ state: { monitor: _monitor, ...state }, ...rest }: ContainerRecord): ContainerRecord {
  return { ...rest, state }
}

function unusable(report: HostReport): EngineError {
  const { reason, fix } = explainReport(report)
  return new EngineError('not_supported', fix === undefined ? reason : `${reason}. ${fix}`, { details: { report } })
}
