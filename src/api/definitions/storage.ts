export interface DriverData {
  readonly Name: string
  readonly Data: Readonly<Record<string, string>>
}

export interface RootFSStorageSnapshot {
  readonly Name?: string | undefined
}

export interface RootFSStorage {
  readonly Snapshot?: RootFSStorageSnapshot | null | undefined
}

export interface Storage {
  readonly RootFS?: RootFSStorage | null | undefined
}
