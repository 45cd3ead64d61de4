/** Counts the changes of a swarm object. Updates have to name the version they change. */
export interface ObjectVersion {
  readonly Index?: number | undefined
}
