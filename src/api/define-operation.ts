import type { Method, Operation, OperationInput, RequestKind, ResponseKind } from './operation.js'
import type { Parameters, ParametersOf } from './parameter.js'
import { parametersSchema, pathSchema } from './parameter-schema.js'
import { lazy, type Schema } from './schema.js'

/** The names in braces of a path template. */
type PathNames<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | PathNames<Rest> : never

type PathPart<P extends string> = [PathNames<P>] extends [never] ? unknown : { readonly path: { readonly [K in PathNames<P>]: string } }

type ParametersPart<K extends string, Ps> = keyof Ps extends never
  ? unknown
  : object extends ParametersOf<Ps>
    ? { readonly [P in K]?: ParametersOf<Ps> | undefined }
    : { readonly [P in K]: ParametersOf<Ps> }

type BodyPart<B> = [B] extends [never] ? unknown : undefined extends B ? { readonly body?: B } : { readonly body: B }

type Flat<T> = { [K in keyof T]: T[K] }

/** The input of an operation, from what it declares. */
export type InputFor<P extends string, Q, H, B> = Flat<
  PathPart<P> & ParametersPart<'query', Q> & ParametersPart<'headers', H> & BodyPart<B>
>

/** What an operation declares. */
export interface Definition<P extends string, Q, H, B> {
  readonly id: string
  readonly method: Method
  readonly path: P
  readonly since?: string
  readonly until?: string
  readonly request: RequestKind
  readonly response: ResponseKind
  readonly query?: Q
  readonly headers?: H
  readonly body?: () => Schema<B>
}

/**
 * Declare an operation: `defineOperation<Output>()({ ... })`, the output first because it cannot be inferred. The result is plain
 * data; its schemas are built when they are first asked for.
 */
export function defineOperation<Output>(): <
  P extends string,
  Q extends Parameters = Record<never, never>,
  H extends Parameters = Record<never, never>,
  B = never
>(
  definition: Definition<P, Q, H, B>
) => Operation<InputFor<P, Q, H, B>, Output> {
  return definition => {
    const { query, headers, body, ...rest } = definition
    const operation: Operation<OperationInput> = {
      ...rest,
      parameters: { ...(query && { query }), ...(headers && { headers }) },
      schemas: {
        ...(rest.path.includes('{') && { path: lazy(() => pathSchema(rest.path)) }),
        ...(query && { query: lazy(() => parametersSchema(query)) }),
        ...(headers && { headers: lazy(() => parametersSchema(headers)) }),
        ...(body && { body: lazy(body) })
      }
    }
    // The reason for the cast: the input and output types exist for the compiler only, nothing at run time carries them.
    return Object.freeze(operation) as never
  }
}
