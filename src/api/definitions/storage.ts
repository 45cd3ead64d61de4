/** What the storage driver says about an object. */
export interface DriverData {
  readonly Name: string
  readonly Data: Readonly<Record<string, string>>
}

/** The snapshotter that keeps a root filesystem. */
export interface RootFSStorageSnapshot {
  readonly Name?: string | undefined
}

/** How a root filesystem is kept. */
export interface RootFSStorage {
  readonly Snapshot?: RootFSStorageSnapshot | null | undefined
}

/** How a container is kept. */
export interface Storage {
  readonly RootFS?: RootFSStorage | null | undefined
}
