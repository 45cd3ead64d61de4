/** What unpacking a layer takes. */
export interface ApplyLayerOptions {
  /** `application/vnd.oci.image.layer.v1.tar+gzip`, Docker's spelling of it, zstd, or plain tar; the first bytes decide where the type lies. */
  readonly mediaType: string
  /** An empty directory on the filesystem of the data root. */
  readonly directory: string
  readonly signal: AbortSignal
  /** Compressed bytes taken so far. */
  readonly onProgress?: (bytes: number) => void
}

export interface AppliedLayer {
  /** SHA-256 of the uncompressed archive. */
  readonly diffId: string
  /** Bytes of the regular files unpacked. */
  readonly sizeBytes: number
}

/**
 * Unpack a layer archive into a directory as an overlayfs layer: whiteouts become 0/0 character devices, opaque
 * directories get `trusted.overlay.opaque`. Owners, modes, times, hard links, devices, sparse files and binary extended
 * attributes are kept. No entry can leave the directory: absolute paths and links are resolved inside it, a name that climbs
 * out with `..` is refused. A piece of the source is not looked at any more once the next one is asked for. The directory is the caller's to remove when this rejects; by then nothing writes to it any more.
 *
 * @throws EngineError `data_loss` for an archive that is truncated, malformed or hostile, `resource_exhausted` where the
 * disk is full, `permission_denied` without root, `not_supported` for zstd that nothing here can read, `unavailable` after
 * `close`; the signal's reason after an abort
 */
export type ApplyLayer = (source: AsyncIterable<Uint8Array>, options: ApplyLayerOptions) => Promise<AppliedLayer>
