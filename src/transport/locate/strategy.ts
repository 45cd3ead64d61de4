import type { TlsOptions } from '../tls-options.js'
import type { Located } from './located.js'
import type { LocatePorts } from './ports.js'

/** What the caller of `createEngine` said about where the engine is. */
export interface LocateOptions {
  readonly host?: string
  readonly context?: string
  /** PEM text or paths of PEM files. */
  readonly tls?: TlsOptions
}

/** One way to find engines. Reads what it needs through the ports and connects to nothing. */
export type Strategy = (ports: LocatePorts, options: LocateOptions) => Promise<readonly Located[]>
