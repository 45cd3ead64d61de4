import type { InputOf, Operation, OutputOf } from '../api/operation.js'
import type { TlsOptions } from './tls-options.js'

/** How a transport reaches its engine. */
export type TransportKind = 'in-process' | 'unix' | 'npipe' | 'tcp' | 'ssh' | 'kubernetes'

/** Per-call settings. */
export interface CallOptions {
  /** Ends the call; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /**
   * Whether the process behind a `frames` or `hijack` response has a terminal, where the caller knows. Engines
   * before API 1.42 do not say it in the response, so without this hint a transport has to ask first.
   */
  readonly tty?: boolean
  /**
   * Called once when the engine has taken the call and begun its answer. A `json` call resolves only with the whole value, and a
   * ContainerWait gives that at the container's exit: this says that the wait is registered, so that the container may be started.
   */
  readonly onResponse?: () => void
  /**
   * The answer is a stream that must not keep the process alive by itself, such as the events behind listeners. Until
   * the answer has begun the call does keep it alive, as any other. In-process streams never do, so there it changes nothing.
   *
   * @default false
   */
  readonly background?: boolean
}

/** How an engine of this process listens for others. */
export interface ListenOptions {
  /** The server's certificate and key, and the authority that clients' certificates have to come from: PEM texts, or paths. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Listen on TCP without TLS and without knowing who calls. Whoever reaches the port is root on this machine. @default false */
  readonly withoutAuthentication?: boolean
  /** Who may use a UNIX socket besides its owner: a group's name or number. @default docker, where there is such a group */
  readonly group?: string
  /** Told a line for each request. */
  readonly log?: (line: string) => void
}

/** Where an engine of this process listens. */
export interface Listener {
  /** With the port that was chosen for `:0`. */
  readonly address: string
  /** Accept nothing more, let requests finish for `graceMs`, end streams, free everything. Idempotent. */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

/** What another process needs to reach the same engine: plain data. */
export interface EngineReach {
  readonly host: string
  readonly tls?: TlsOptions
}

/**
 * A way to an engine. Deliberately small: a new way to reach an engine is one folder with one of these.
 *
 * `call` resolves as soon as the response has begun (headers, first byte), streams are then consumed by the caller.
 * It rejects with an {@link EngineError} in every case but an abort, which rejects with the signal's reason.
 */
export interface Transport extends AsyncDisposable {
  readonly kind: TransportKind
  /** Where it goes, for messages: `unix:///run/docker.sock`, or the data root. Never holds credentials. */
  readonly endpoint: string
  /** How another process gets there. Absent where the engine is this process. */
  readonly reach?: EngineReach
  /** The API version spoken, e.g. `1.41`: negotiated, never pinned. */
  readonly apiVersion: string
  /** Whether the engine is one of this package, which has calls that others do not: `/gantry/...`, `X-Gantry-...`. @default false */
  readonly isGantry?: boolean
  call<Op extends Operation>(operation: Op, input: InputOf<Op>, options?: CallOptions): Promise<OutputOf<Op>>
  /** Serve the engine over HTTP to others. Only an engine of this process can. */
  listen?(address: string, options?: ListenOptions): Promise<Listener>
  /** Let calls in flight end, then free everything. Idempotent. */
  close(): Promise<void>
}
