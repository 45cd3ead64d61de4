import type { ProcessIdentity } from '../host/process-identity.js'

/** A volume as the metadata store keeps it (table `volumes`, key: its name), format version 1. */
export interface VolumeRecord {
  readonly name: string
  readonly driver: 'local'
  /** RFC 3339. */
  readonly createdAt: string
  /** Null where nobody said any: `inspect` gives it back as it came. */
  readonly labels: Readonly<Record<string, string>> | null
  /** The driver's options `type`, `o` and `device`. */
  readonly options: Readonly<Record<string, string>> | null
  /** Containers that have its file system mounted: the last one unmounts it. */
  readonly mountedBy?: readonly string[]
  /** The session that removes it at its end. Absent: it stays until somebody removes it. */
  readonly session?: { readonly id: string; readonly owner: ProcessIdentity }
}

/** Label of a volume whose name nobody chose, as Docker writes it: `prune` takes these by default. */
export const anonymousLabel = 'com.docker.volume.anonymous'

/** What of a container's record says which volumes it uses (table `containers`). */
export interface VolumeUser {
  readonly id: string
  readonly owner: ProcessIdentity
  readonly state: { readonly status: string }
  readonly mounts?: readonly MountPoint[]
}

/** What is mounted where in a container, as its record keeps it. */
export type MountPoint = BindMount | VolumeMount | TmpfsMount

interface MountPlace {
  /** Clean absolute path in the container. */
  readonly destination: string
  /** The options as they were written, for `inspect`. */
  readonly mode: string
  readonly readOnly: boolean
}

/** A file or folder of the host. */
export interface BindMount extends MountPlace {
  readonly type: 'bind'
  readonly source: string
  readonly propagation: string
  /** A source that is missing at the start is made, as a folder. */
  readonly makesSource: boolean
  /** With what is mounted below the source. */
  readonly recursive: boolean
  /** Read-only, but not what is mounted below the source. Absent: everything. */
  readonly writableBelow?: true
}

/** A volume, by name. */
export interface VolumeMount extends MountPlace {
  readonly type: 'volume'
  readonly name: string
  /** Its name was made up for this container: it goes with it, where volumes are removed. */
  readonly anonymous: boolean
  /** While the volume is empty it is filled with what the image has at the destination. */
  readonly copies: boolean
  /** Folder in the volume. */
  readonly subpath?: string
}

/** Memory. */
export interface TmpfsMount extends MountPlace {
  readonly type: 'tmpfs'
  /** Mount options over Docker's own. */
  readonly options: readonly string[]
}
