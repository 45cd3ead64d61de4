import { createRequire } from 'node:module'
import type * as Zod from 'zod'
import type { ZodType } from 'zod'

/** A zod schema of values of one type. What it accepts besides (null for absent, say) it turns into that type. */
export type Schema<T> = ZodType<T, T>

let loaded: typeof Zod | undefined

/**
 * zod, loaded when the first schema is built: it takes longer to load than all the rest of the package.
 *
 * Schemas are built in synchronous thunks, so it is required rather than imported.
 */
export function zod(): typeof Zod {
  // The reason for the cast: require has no types of its own.
  loaded ??= createRequire(import.meta.url)('zod') as typeof Zod
  return loaded
}

/** Make a thunk that builds its value once, on the first call. */
export function lazy<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined
  return () => {
    built ??= { value: build() }
    return built.value
  }
}

/** A property of a {@link object} schema that has to be there. */
export interface Required<T> {
  readonly '~required': Schema<T>
}

/** Mark a property of an {@link object} schema as one that has to be there. */
export function required<T>(schema: Schema<T>): Required<T> {
  return { '~required': schema }
}

type Defined<T> = Exclude<T, undefined>

/** One schema for every property of `T`, no more and no fewer; those that `T` requires are marked with {@link required}. */
export type Shape<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? Schema<Defined<T[K]>> : Required<T[K]>
}

/**
 * An object as Docker's Go decoder takes it: null stands for an absent property, and properties that are not declared pass through
 * untouched. So what a newer engine knows is not lost on the way to it, and an older one ignores it.
 */
export function object<T extends object>(shape: Shape<T>): Schema<T> {
  const z = zod()
  const properties: Record<string, ZodType> = {}
  for (const [name, field] of Object.entries<ZodType | Required<unknown>>(shape)) {
    properties[name] = '~required' in field ? field['~required'] : field.optional()
  }
  const checked = z.preprocess(withoutEmpty(properties), z.looseObject(properties))
  // The reason for the cast: zod cannot see that Shape<T> spells T.
  return checked as unknown as Schema<T>
}

/** Leave out declared properties that hold what Go's decoder takes for "not given": null, and the empty string for one of some words. */
function withoutEmpty(properties: Readonly<Record<string, ZodType>>): (value: unknown) => unknown {
  const names = Object.keys(properties)
  const words = new Set(names.filter(name => isClosed(unwrap(properties[name] as ZodType))))
  const isEmpty = (name: string, value: unknown) => value === null || value === undefined || (value === '' && words.has(name))
  return value => {
    if (typeof value !== 'object' || value === null) return value
    const given = value as Readonly<Record<string, unknown>>
    if (!names.some(name => name in given && isEmpty(name, given[name]))) return value
    const declared = new Set(names)
    return Object.fromEntries(Object.entries(given).filter(([name, item]) => !(declared.has(name) && isEmpty(name, item))))
  }
}

function isClosed(schema: ZodType): boolean {
  return schema.def.type === 'enum' && !schema.safeParse('').success
}

/** Text. */
export function string(): Schema<string> {
  return zod().string()
}

/** true or false. */
export function boolean(): Schema<boolean> {
  return zod().boolean()
}

/** A whole number. Docker's are 64 bits wide: beyond 2^53 JavaScript rounds them, which is not treated as an error. */
export function integer(): Schema<number> {
  return zod()
    .number()
    .refine(Number.isInteger, { params: { expected: 'an integer' } })
}

/** One of some words. As a property, the empty string is taken as well: Go clients send it for "not given". */
export function oneOf<const T extends readonly [string, ...string[]]>(...values: T): Schema<T[number]> {
  // The reason for the cast: zod's enum is typed by an object.
  return zod().enum(values as unknown as [string, ...string[]]) as unknown as Schema<T[number]>
}

/** One of some words that the engine knows: it says itself, in Docker's words, that it does not know another. */
export function word<T extends string>(): Schema<T> {
  return zod().string() as unknown as Schema<T>
}

/** A number that need not be whole. */
export function number(): Schema<number> {
  return zod().number()
}

/** A list; null for an item stands for its type's empty value. */
export function list<T>(item: Schema<T>): Schema<readonly T[]> {
  return zod().array(orEmpty(item)) as Schema<readonly T[]>
}

/** A map with any keys; null for a value stands for its type's empty value, so that the key is kept. */
export function map<T>(value: Schema<T>): Schema<Readonly<Record<string, T>>> {
  const z = zod()
  return z.record(z.string(), orEmpty(value)) as Schema<Readonly<Record<string, T>>>
}

/** `{}`: what Docker uses for the values of a set. What is inside is not looked at. */
export type Empty = object

/** Schema of {@link Empty}. */
export function empty(): Schema<Empty> {
  return object<Empty>({})
}

/** An argument vector. Like Docker's, it may be written as one string, which is then its only item. */
export function argv(): Schema<readonly string[]> {
  const z = zod()
  return z.preprocess(value => (typeof value === 'string' ? [value] : value), z.array(z.string())) as unknown as Schema<readonly string[]>
}

/** An archive or another body that is passed on as it comes. */
export function bytes(): Schema<AsyncIterable<Uint8Array>> {
  return zod().custom<AsyncIterable<Uint8Array>>(value => typeof value === 'object' && value !== null && Symbol.asyncIterator in value, {
    params: { expected: 'an async iterable of bytes' }
  })
}

/** A body that may be left out. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return zod().optional(schema)
}

function orEmpty<T>(schema: Schema<T>): Schema<T> {
  const zero = emptyValues[kindOf(schema)]
  if (zero === undefined) return schema
  return zod().preprocess(value => (value === null ? zero() : value), schema) as unknown as Schema<T>
}

const emptyValues: Readonly<Record<string, () => unknown>> = {
  string: () => '',
  number: () => 0,
  boolean: () => false,
  array: () => [],
  object: () => ({}),
  record: () => ({})
}

/** zod's name for what a schema yields, looking through the steps that prepare a value. */
function kindOf(schema: ZodType): string {
  const inner = unwrap(schema)
  return inner.def.type
}

/** The schema that does the checking, inside the steps that prepare a value for it and the mark that it may be left out. */
export function unwrap(schema: ZodType): ZodType {
  const def = schema.def as { readonly type: string; readonly out?: ZodType; readonly innerType?: ZodType }
  if (def.type === 'pipe' && def.out !== undefined) return unwrap(def.out)
  if (def.type === 'optional' && def.innerType !== undefined) return unwrap(def.innerType)
  return schema
}
