import type { VolumeMount, VolumeRecord } from './volume-record.js'

/** Volumes as the rest of the runtime sees them. */
export interface VolumeService {
  /** Make a volume; one of that name that is there already is given back as it is. @throws EngineError `invalid_argument`, `not_found` (driver), `not_implemented` */
  create(request: CreateVolumeRequest): Promise<VolumeRecord>
  /** @throws EngineError `not_found` */
  get(name: string): VolumeRecord
  list(): readonly VolumeRecord[]
  /** Ids of the containers that use each volume. */
  users(): ReadonlyMap<string, readonly string[]>
  /** @throws EngineError `not_found`, `conflict` while a container uses it */
  remove(name: string): Promise<void>
  /** Remove those that no container uses and that match. @returns their names and what they took */
  prune(matches: (record: VolumeRecord) => boolean): Promise<{ readonly names: readonly string[]; readonly reclaimedBytes: number }>
  /** Bytes of a volume's files. */
  usage(name: string): Promise<number>
  /** Its folder on the host, as `inspect` names it. */
  mountpoint(name: string): string
  /** Volumes that a container is to use. @returns the names of those that were not there and are now */
  ensure(wanted: readonly VolumeRecord[]): Promise<readonly string[]>
  /**
   * Have a volume ready for a container's run.
   *
   * @throws EngineError `not_found` when the volume was removed, `failed` when its file system cannot be mounted
   */
  open(mount: VolumeMount, containerId: string): Promise<OpenVolume>
  /** The counterpart of `open`, when the run is over. Idempotent. */
  close(mount: VolumeMount, containerId: string): Promise<void>
  /** Whether it would take in what an image has: it is empty, and keeps what it gets. */
  takesContent(name: string): boolean
  /**
   * Fill an empty volume with a copy of a folder: owners, modes, links and attributes as they are. One at a time for one volume, across
   * processes; one that was cut short is begun again, or carried through where it was complete.
   *
   * @param source Where the folder is in the launcher's mount namespace; undefined when there is nothing to copy
   * @throws EngineError `resource_exhausted` (disk full), `failed`; the volume is as empty as before
   */
  fill(name: string, source: () => Promise<string | undefined>): Promise<void>
  /** Remove those of a container's volumes that nobody named and no other container uses. */
  removeAnonymous(user: { readonly id: string; readonly mounts: readonly VolumeMount[] }): Promise<void>
  /** Remove what this session made. */
  endSession(): Promise<void>
  /** Remove what dead sessions and broken-off removals left. */
  sweep(): Promise<void>
}

/** Where a volume's files are. */
export interface OpenVolume {
  readonly path: string
  readonly readOnly: boolean
  /** Mounted on the host a moment ago: the launcher's mount namespace may not have it. */
  readonly isOnHostOnly: boolean
}

export interface CreateVolumeRequest {
  /** Made up where it is missing. */
  readonly name?: string
  readonly driver?: string
  readonly options?: Readonly<Record<string, string>> | null
  readonly labels?: Readonly<Record<string, string>> | null
  /** It goes with this session. */
  readonly ofSession: boolean
}
