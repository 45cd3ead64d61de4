import { lazy, map, object, required, string } from '../schema.js'

/** A driver with its options. */
export interface Driver {
  readonly Name: string
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link Driver}. */
export const driver = lazy(() => object<Driver>({ Name: required(string()), Options: map(string()) }))

/** A secret to keep. */
export interface SecretSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  /** In base64; never in responses. */
  readonly Data?: string | undefined
  readonly Driver?: Driver | undefined
  readonly Templating?: Driver | undefined
}

/** Schema of {@link SecretSpec}. */
export const secretSpec = lazy(() =>
  object<SecretSpec>({ Name: string(), Labels: map(string()), Data: string(), Driver: driver(), Templating: driver() })
)

/** A config to keep. */
export interface ConfigSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  /** In base64. */
  readonly Data?: string | undefined
  readonly Templating?: Driver | undefined
}

/** Schema of {@link ConfigSpec}. */
export const configSpec = lazy(() => object<ConfigSpec>({ Name: string(), Labels: map(string()), Data: string(), Templating: driver() }))
