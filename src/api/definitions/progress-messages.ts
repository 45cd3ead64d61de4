/** An error inside a stream. */
export interface ErrorDetail {
  readonly code?: number | undefined
  readonly message?: string | undefined
}

/** How far a step is, usually in bytes. */
export interface ProgressDetail {
  readonly current?: number | undefined
  readonly total?: number | undefined
}

/** The id of a built image. */
export interface ImageID {
  readonly ID?: string | undefined
}

/** A message of a build or of a load. */
export interface BuildInfo {
  readonly id?: string | undefined
  readonly stream?: string | undefined
  readonly errorDetail?: ErrorDetail | undefined
  readonly status?: string | undefined
  readonly progressDetail?: ProgressDetail | undefined
  /** {@link ImageID}, or with BuildKit its trace in base64. */
  readonly aux?: unknown | undefined
  /** The same text as in errorDetail, for old clients. Until API 1.51. */
  readonly error?: string | null | undefined
  /** A progress bar as text. Until API 1.51. */
  readonly progress?: string | null | undefined
}

/** A message of a pull or of an import. */
export interface CreateImageInfo {
  /** Short digest of the layer. */
  readonly id?: string | undefined
  readonly errorDetail?: ErrorDetail | undefined
  readonly status?: string | undefined
  readonly progressDetail?: ProgressDetail | undefined
  /** The same text as in errorDetail, for old clients. Until API 1.51. */
  readonly error?: string | null | undefined
  /** A progress bar as text. Until API 1.51. */
  readonly progress?: string | null | undefined
}

/** A message of a push. */
export interface PushImageInfo {
  readonly errorDetail?: ErrorDetail | undefined
  readonly status?: string | undefined
  readonly progressDetail?: ProgressDetail | undefined
  /** The same text as in errorDetail, for old clients. Until API 1.51. */
  readonly error?: string | null | undefined
  /** A progress bar as text. Until API 1.51. */
  readonly progress?: string | null | undefined
}
