import type { OverlayMount } from '../host/host.js'

/**
 * Layered root filesystems. A committed layer is named by its chain ID and never changes; a container's read-write
 * layer is named by the container's id and stands on one. Returned as mounts: who mounts them is not decided here.
 */
export interface Snapshotter {
  /** Whether the layer is committed. */
  has(chainId: string): boolean
  /**
   * A place to unpack a layer into. Nothing is visible under `chainId` before `commit`, which is atomic; after a crash
   * the place is gone at the next open. Two processes may prepare one chain ID: the first commit wins, both succeed.
   */
  prepare(chainId: string, parent?: string): Promise<PreparedLayer>
  /** Make a read-write layer on `base`: a committed chain ID, or absolute directories (topmost first) such as the host's root. */
  create(id: string, base: { readonly chainId: string } | { readonly directories: readonly string[] } | undefined): Promise<void>
  mounts(id: string): OverlayMount
  /** Remove a read-write layer. Idempotent. */
  remove(id: string): Promise<void>
  /** Remove a committed layer on which nothing stands; conflict otherwise. */
  removeLayer(chainId: string): Promise<void>
  /** Bytes held by a read-write layer. */
  usage(id: string): Promise<number>
}

export interface PreparedLayer {
  readonly directory: string
  commit(record: { readonly diffId: string; readonly sizeBytes: number }): Promise<void>
  /** Throw it away. Idempotent, does nothing after commit. */
  abort(): Promise<void>
}
