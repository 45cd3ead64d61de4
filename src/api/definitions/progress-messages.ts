export interface ErrorDetail {
  readonly code?: number | undefined
  readonly message?: string | undefined
}

export interface ProgressDetail {
  readonly current?: number | undefined
  readonly total?: number | undefined
}

export interface ImageID {
  readonly ID?: string | undefined
}

export interface BuildInfo {
  readonly id?: string | undefined
  readonly stream?: string | undefined
  readonly errorDetail?: ErrorDetail | undefined
  readonly status?: string | undefined
  readonly progressDetail?: ProgressDetail | undefined
  readonly aux?: unknown | undefined
  /** Gone after API 1.51. */
  readonly error?: string | null | undefined
  /** Gone after API 1.51. */
  readonly progress?: string | null | undefined
}

export interface CreateImageInfo {
  readonly id?: string | undefined
  readonly errorDetail?: ErrorDetail | undefined
  readonly status?: string | undefined
  readonly progressDetail?: ProgressDetail | undefined
  /** Gone after API 1.51. */
  readonly error?: string | null | undefined
  /** Gone after API 1.51. */
  readonly progress?: string | null | undefined
}

export interface PushImageInfo {
  readonly errorDetail?: ErrorDetail | undefined
  readonly status?: string | undefined
  readonly progressDetail?: ProgressDetail | undefined
  /** Gone after API 1.51. */
  readonly error?: string | null | undefined
  /** Gone after API 1.51. */
  readonly progress?: string | null | undefined
}
