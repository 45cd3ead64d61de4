/**
 * How a parameter is written on the wire.
 *
 * - `boolean`: `1` or `0`; on the way in, as Docker reads it: empty, `0`, `no`, `false` and `none` are false.
 * - `integer`, `string`: as they are.
 * - `filters`: a JSON object of lists, `{"label":["a=b"]}`.
 * - `strings`: repeated, one value each: `t=a&t=b`.
 * - `json`: one JSON value.
 * - `jsons`: repeated, one JSON value each.
 */
export type ParameterCodec = 'boolean' | 'integer' | 'string' | 'filters' | 'strings' | 'json' | 'jsons'

/** A query or header parameter, as plain data. */
export interface Parameter<T = unknown, R extends boolean = boolean> {
  readonly codec: ParameterCodec
  readonly required: R
  /** The only values it takes. */
  readonly values?: readonly string[]
  /** First API version that has it, where that is later than the operation's own. */
  readonly since?: string
  /** Last API version that has it. */
  readonly until?: string
  /** For the type system only; never set. */
  readonly '~type'?: T
}

/** Parameters by their name on the wire. */
export type Parameters = Readonly<Record<string, Parameter>>

type Optional<T> = Parameter<T, false>

/** Filters of a list, a prune or an event stream: values by filter name; several values of one name are alternatives. */
export type Filters = Readonly<Record<string, readonly string[]>>

/** An OCI platform, as newer parameters take it (JSON), in contrast to the older `os/arch/variant`. */
export interface OciPlatform {
  readonly architecture: string
  readonly os: string
  readonly 'os.version'?: string | undefined
  readonly 'os.features'?: readonly string[] | undefined
  readonly variant?: string | undefined
}

export const flag: Optional<boolean> = { codec: 'boolean', required: false }
export const integer: Optional<number> = { codec: 'integer', required: false }
export const text: Optional<string> = { codec: 'string', required: false }
export const filters: Optional<Filters> = { codec: 'filters', required: false }
export const texts: Optional<readonly string[]> = { codec: 'strings', required: false }
export const platform: Optional<OciPlatform> = { codec: 'json', required: false }
export const platforms: Optional<readonly OciPlatform[]> = { codec: 'jsons', required: false }

/** A point in time as Unix seconds, `1700000000` or `1700000000.123456789`: text, because a number cannot hold the nanoseconds. */
export const timestamp: Optional<string> = text

/** A parameter that carries a JSON value of a known type. */
export function json<T>(): Optional<T> {
  return { codec: 'json', required: false }
}

/** A parameter that takes one of some words. */
export function oneOf<const T extends readonly string[]>(...values: T): Optional<T[number]> {
  return { codec: 'string', required: false, values }
}

/** The parameter, where it cannot be left out. */
export function required<T>(parameter: Parameter<T>): Parameter<T, true> {
  return { ...parameter, required: true }
}

/** The parameter, where only API versions from `version` have it. */
export function since<T, R extends boolean>(version: string, parameter: Parameter<T, R>): Parameter<T, R> {
  return { ...parameter, since: version }
}

/** The parameter, where only API versions up to `version` have it. */
export function until<T, R extends boolean>(version: string, parameter: Parameter<T, R>): Parameter<T, R> {
  return { ...parameter, until: version }
}

type TypeOf<P> = P extends Parameter<infer T> ? T : never

/** The object type that a set of parameters describes. */
export type ParametersOf<Ps> = Flat<
  { readonly [K in keyof Ps as Ps[K] extends Parameter<unknown, true> ? K : never]: TypeOf<Ps[K]> } & {
    readonly [K in keyof Ps as Ps[K] extends Parameter<unknown, true> ? never : K]?: TypeOf<Ps[K]> | undefined
  }
>

type Flat<T> = { [K in keyof T]: T[K] }
