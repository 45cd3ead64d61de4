/**
 * Blobs by digest, in OCI image-layout order (`blobs/sha256/<hex>`). A blob is written to a temporary file, verified while
 * streaming, synced and renamed: killed at any instant, nothing half-written is ever visible.
 */
export interface ContentStore {
  has(digest: string): Promise<boolean>
  /** @throws EngineError `not_found` */
  read(digest: string): Promise<Uint8Array>
  /** @throws EngineError `not_found` */
  stream(digest: string): AsyncIterable<Uint8Array>
  path(digest: string): string
  /**
   * Take in a blob. The bytes are handed on as they pass (`tee`), before the verdict: whoever uses them early must throw the result
   * away when `ingest` rejects. Several may take in one blob at once; the result is the same. When it rejects nothing is left.
   *
   * @param source its chunks are copied, so it may use their memory again when it is asked for the next one
   * @throws EngineError `data_loss` where digest or size differ, `resource_exhausted` when the disk is full; what `source` or
   *   `tee` throws; the signal's reason on abort
   */
  ingest(
    expected: { readonly digest: string; readonly sizeBytes?: number },
    source: AsyncIterable<Uint8Array>,
    options: IngestOptions
  ): Promise<void>
  /**
   * Take over a file of the same file system whose content the caller has verified. It is synced and renamed, replacing a blob of that
   * digest: the blob is as new as if it had been written now.
   *
   * @throws EngineError `resource_exhausted` when the disk is full; then the file is where it was
   */
  adopt(digest: string, file: string): Promise<void>
  /** Idempotent. */
  remove(digest: string): Promise<void>
  list(): AsyncIterable<{ readonly digest: string; readonly sizeBytes: number }>
}

export interface IngestOptions {
  readonly signal: AbortSignal
  /** Awaited before the next chunk is asked for: backpressure. */
  readonly tee?: (chunk: Uint8Array) => Promise<void> | void
}
