import type { TlsOptions } from '../tls-options.js'

/** One place where an engine may be, in the order in which they are considered. */
export interface Located {
  /** What it is called in messages: `DOCKER_HOST`, `context ci`, `Docker Desktop`. */
  readonly name: string
  /** As `DOCKER_HOST` spells it. Absent when the place is not configured. */
  readonly endpoint?: string
  readonly tls?: TlsOptions
  /** Somebody asked for this one: when it does not answer, that is an error and no other is tried. */
  readonly explicit: boolean
  /** Why it was left out (`not set`, `no such file`). Absent: it is worth a try. */
  readonly skipped?: string
  /** What to do to make it work. */
  readonly fix?: string
}
