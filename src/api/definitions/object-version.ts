export interface ObjectVersion {
  readonly Index?: number | undefined
}
