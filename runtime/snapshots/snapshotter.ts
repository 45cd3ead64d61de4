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
  /** As `prepare`, for a layer that is unpacked before anybody knows which one it is. */
  prepareUnplaced(): Promise<UnplacedLayer>
  /**
   * Make a read-write layer on `base`: a committed chain ID, absolute directories (topmost first) such as the host's root, or
   * nothing. Its root has the owner and mode of the root below.
   *
   * @throws EngineError `already_exists`, `not_found` for a layer that is not here
   */
  create(id: string, base: { readonly chainId: string } | { readonly directories: readonly string[] } | undefined): Promise<void>
  /** Absolute paths that share one folder, so that short relative ones can be made of them. @throws EngineError `not_found` */
  mounts(id: string): OverlayMount
  /** Remove a read-write layer. Idempotent. */
  remove(id: string): Promise<void>
  /** Remove a committed layer on which nothing stands. Idempotent. @throws EngineError `conflict` while a layer or a container stands on it */
  removeLayer(chainId: string): Promise<void>
  /** The committed layers by chain ID, with the bytes of their files and what they stand on. */
  layerSizes(): ReadonlyMap<string, { readonly sizeBytes: number; readonly parent?: string }>
  /** Folders of a committed layer and of those below it that count, topmost first: what overlayfs is given. @throws EngineError `not_found` */
  directories(chainId: string): readonly string[]
  /** Bytes of the files in a read-write layer. @throws EngineError `not_found` */
  usage(id: string): Promise<number>
}

/** A layer that is being made. */
export interface PreparedLayer {
  /** Empty, mode 0755. */
  readonly directory: string
  /**
   * Make it visible. Safe at once against the death of any process; the disk has it a little later, and a layer that a loss of
   * power hits before that is gone at the next open, never half there. Where it fails the place is removed.
   *
   * @throws EngineError `not_found` when the layer below is not committed
   */
  commit(record: { readonly diffId: string; readonly sizeBytes: number }): Promise<void>
  /** Throw it away. Idempotent, does nothing after commit. */
  abort(): Promise<void>
}

/** A layer that is being made, its place among the others not known yet. */
export interface UnplacedLayer extends Pick<PreparedLayer, 'directory' | 'abort'> {
  /** As `PreparedLayer.commit`. */
  commit(record: { readonly chainId: string; readonly parent?: string; readonly diffId: string; readonly sizeBytes: number }): Promise<void>
}
