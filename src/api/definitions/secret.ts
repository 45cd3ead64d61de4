import type { ObjectVersion } from './object-version.js'
import type { ConfigSpec, SecretSpec } from './secret-spec.js'

/** A secret, without its content. */
export interface Secret {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: SecretSpec | undefined
}

/** A config. */
export interface Config {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: ConfigSpec | undefined
}
