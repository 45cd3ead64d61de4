import { createRequire } from 'node:module'
import type FindMyWay from 'find-my-way'
import type { HTTPMethod } from 'find-my-way'
import { type Operation, operations } from '../../src/api/index.js'

/** An operation that a request asks for, and the names in its path. */
export interface Route {
  readonly operation: Operation
  readonly path: Readonly<Record<string, string>>
}

/** Finds operations by method and path. */
export type Routes = (method: string, path: string) => Route | undefined

/** A path parameter longer than this names nothing. */
const maxParameterLength = 4096

/** The routes of the whole contract. */
export function createRoutes(): Routes {
  // Required, because to import a CommonJS module Node loads a parser that takes ten megabytes. It has no types of its own then.
  const findMyWay = createRequire(import.meta.url)('find-my-way') as typeof FindMyWay
  const router = findMyWay({ maxParamLength: maxParameterLength })
  for (const operation of Object.values<Operation>(operations)) {
    router.on(operation.method, operation.path.replace(/\{([^}]+)\}/g, ':$1'), () => {}, operation)
  }
  return (method, path) => {
    // The reason for the cast: what is no method of HTTP is not found either.
    const found = router.find(method as HTTPMethod, path)
    if (found === null) return undefined
    // The store is what was given with the route above.
    return { operation: found.store as Operation, path: found.params as Readonly<Record<string, string>> }
  }
}
