import type { EventLog } from '../events/event-log.js'
import type { CgroupAttach } from '../host/cgroup-attach.js'
import type { CgroupLayout } from '../host/cgroup-layout.js'
import type { Host } from '../host/host.js'
import type { ProcessIdentity } from '../host/process-identity.js'
import type { Trash } from '../host/trash.js'
import type { ImageService } from '../images/image-service.js'
import type { NetworkManager } from '../networks/network-manager.js'
import type { OciRuntime } from '../oci/oci-runtime.js'
import type { SeccompPrograms } from '../oci/seccomp-programs.js'
import type { LiveSettings } from '../settings/engine-settings.js'
import type { Snapshotter } from '../snapshots/snapshotter.js'
import type { Watchdog } from '../supervise/watchdog.js'
import type { VolumeService } from '../volumes/volume-service.js'
import type { ContainerStore } from './container-store.js'
import type { Execs } from './execs.js'
import type { LiveContainers } from './live-containers.js'
import type { PreparedExecs } from './prepared-execs.js'
import type { PreparedRuns } from './prepared-runs.js'
import type { Restarts } from './restarts.js'
import type { RuntimePaths } from './runtime-paths.js'

/** What the verbs of a container's life work with. */
export interface ContainerContext {
  readonly host: Host
  readonly store: ContainerStore
  readonly images: ImageService
  readonly snapshotter: Snapshotter
  readonly networks: NetworkManager
  readonly volumes: VolumeService
  readonly oci: OciRuntime
  readonly prepared: PreparedRuns
  readonly preparedExecs: PreparedExecs
  readonly events: EventLog
  readonly watchdog: Watchdog
  readonly live: LiveContainers
  readonly execs: Execs
  readonly restarts: Restarts
  readonly paths: RuntimePaths
  readonly trash: Trash
  readonly cgroups: CgroupLayout
  readonly cgroupAttach: CgroupAttach
  /** Who removes what is made here. */
  readonly session: {
    readonly id: string
    readonly owner: ProcessIdentity
    /** Whether what is made here outlives the session: a daemon's containers do. */
    readonly keeps: boolean
  }
  /** Of the engine as a whole. They may change. */
  readonly settings: LiveSettings
  readonly availableCapabilities: ReadonlySet<string>
  readonly seccompPrograms: SeccompPrograms
}
