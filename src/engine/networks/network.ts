import type { Abortable } from '../values.js'

/** How to make a network. */
export interface NetworkOptions extends Abortable {
  /** As `10.5.0.0/16`. @default one that is free */
  subnet?: string
  ipv6?: boolean
  /** Without a way out. @default false */
  internal?: boolean
  /** @default 'bridge' */
  driver?: string
  label?: Record<string, string>
  /** Let it outlive this engine. @default false */
  keep?: boolean
}

/** A network: containers on it reach each other by name. */
export interface Network extends AsyncDisposable {
  readonly id: string
  readonly name: string
  /** No container may be running on it. @throws EngineError `not_found`, `permission_denied`, `conflict` */
  remove(options?: Abortable): Promise<void>
  /** Remove it. One that is gone already is fine. */
  [Symbol.asyncDispose](): Promise<void>
}
