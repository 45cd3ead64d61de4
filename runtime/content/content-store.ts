/**
 * Blobs by digest, in OCI image-layout order (`blobs/sha256/<hex>`). A blob is written to a temporary file, verified while
 * streaming, synced and renamed: killed at any instant, nothing half-written is ever visible.
 */
export interface ContentStore {
  has(digest: string): Promise<boolean>
  /** @throws EngineError `not_found` */
  read(digest: string): Promise<Uint8Array>
  /** Each piece is the receiver's to keep. @param options.offset the first byte that is wanted @throws EngineError `not_found` */
  stream(digest: string, options?: { readonly offset?: number }): AsyncIterable<Uint8Array>
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
  /**
   * Take in a blob whose digest is only known when all of it was read. It is not visible, and means nothing after a crash, before it is
   * committed. When it rejects nothing is left.
   *
   * @param source as for `ingest`
   * @throws EngineError `resource_exhausted` when the disk is full; what `source`, `tee` or `digest` throws; the signal's reason on abort
   */
  stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedBlob>
  /** Bytes of a blob; undefined when it is not here. */
  sizeOf(digest: string): Promise<number | undefined>
  /** Idempotent. */
  remove(digest: string): Promise<void>
  list(): AsyncIterable<{ readonly digest: string; readonly sizeBytes: number }>
}

/** A blob that is whole on the disk and not yet in the store. */
export interface StagedBlob {
  readonly digest: string
  readonly sizeBytes: number
  /** Put it into the store. One of the two ends it, once. */
  commit(): Promise<void>
  /** Throw it away. Idempotent, does nothing after commit. */
  abort(): Promise<void>
}

export interface StageOptions extends IngestOptions {
  /** Asked once everything was handed to `tee`: its SHA-256, from whoever computes it anyway. @default it is computed here */
  readonly digest?: () => Promise<string>
}

export interface IngestOptions {
  readonly signal: AbortSignal
  /** Awaited before the next chunk is asked for: backpressure. */
  readonly tee?: (chunk: Uint8Array) => Promise<void> | void
}
