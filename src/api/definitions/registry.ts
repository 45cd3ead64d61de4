import { boolean, integer, lazy, list, map, object, string } from '../schema.js'
import { type AuthConfig, authConfig } from './auth-config.js'

/** A user of a registry. */
export interface RegistryUser {
  readonly Name?: string | undefined
  readonly Password?: string | undefined
}

/** A registry to serve. */
export interface RegistryCreateRequest {
  /** Address to listen on. 127.0.0.1 when absent. */
  readonly Host?: string | undefined
  /** A free one when absent, or 0. */
  readonly Port?: number | undefined
  /** Folder on the engine's host. `registry` in its data root when absent. */
  readonly Storage?: string | undefined
  /** Who may use it. Everybody, when absent. */
  readonly Users?: readonly RegistryUser[] | null | undefined
  /** An htpasswd file, as text, with bcrypt hashes: users besides {@link RegistryCreateRequest.Users}. */
  readonly Htpasswd?: string | undefined
  /** Whether those without a name may pull, where there are users. */
  readonly AnonymousPull?: boolean | undefined
  /** Certificate and key as PEM texts. Plain HTTP, when absent. */
  readonly TLSCert?: string | undefined
  readonly TLSKey?: string | undefined
  readonly ReadOnly?: boolean | undefined
  /** URL of the registry that this one is a cache of. */
  readonly Proxy?: string | undefined
  /** Credentials for that registry. What the engine has for it, when absent. */
  readonly ProxyAuth?: AuthConfig | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link RegistryCreateRequest}. */
export const registryCreateRequest = lazy(() =>
  object<RegistryCreateRequest>({
    Host: string(),
    Port: integer(),
    Storage: string(),
    Users: list(object<RegistryUser>({ Name: string(), Password: string() })),
    Htpasswd: string(),
    AnonymousPull: boolean(),
    TLSCert: string(),
    TLSKey: string(),
    ReadOnly: boolean(),
    Proxy: string(),
    ProxyAuth: authConfig(),
    Labels: map(string())
  })
)

/** A registry that an engine serves. Never says who may use it. */
export interface RegistrySummary {
  readonly Id: string
  /** As in references: `127.0.0.1:5000`. */
  readonly Address: string
  readonly Storage: string
  readonly TLS: boolean
  readonly ReadOnly: boolean
  /** Empty where it is no cache. */
  readonly Proxy: string
  readonly Labels: Readonly<Record<string, string>>
}
