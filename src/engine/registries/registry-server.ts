import type { Abortable } from '../values.js'

/** How a registry is served. */
export interface RegistryServerOptions extends Abortable {
  /** @default 0: a free one */
  port?: number
  /** Address to listen on. @default '127.0.0.1' */
  host?: string
  /** Folder on the engine's host where it keeps everything; it stays when the registry ends. @default `registry` in the engine's data root */
  storage?: string
  /** Passwords by user. @default everybody may use it */
  auth?: Record<string, string>
  /** Users of an htpasswd file with bcrypt hashes (`htpasswd -B`): its path, or its text. */
  htpasswd?: string
  /** Let those without a name pull, where there are users. @default false */
  anonymousPull?: boolean
  /** The server's certificate and key: PEM texts, or paths. @default plain HTTP, which clients take on loopback addresses only */
  tls?: { cert: string; key: string }
  /**
   * URL of a registry that this one is a cache of: what is not here is fetched from there. Nothing is pushed to a cache. Credentials are those that the
   * engine has for that host.
   */
  proxy?: string
  /** Nothing is pushed or deleted. @default false */
  readOnly?: boolean
}

/** A registry that an engine serves. */
export interface RegistryServer extends AsyncDisposable {
  /** As in references: `127.0.0.1:5000`, so that an image there is `127.0.0.1:5000/app:1`. */
  readonly address: string
  /** Serve no longer. What was pushed stays in its storage. Idempotent. */
  close(): Promise<void>
}
