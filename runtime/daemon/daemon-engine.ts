import type { Handlers } from '../../src/api/index.js'

/** What the daemon serves: an engine, and what it says of itself in the headers of each answer. */
export interface DaemonEngine {
  readonly handlers: Handlers
  /** Gantry's own version, for the `Server` header. */
  readonly version: string
  /** The API version it tells clients to speak; a request without a version means this one. */
  readonly apiVersion: string
  /** The newest it answers where a client asks for it. */
  readonly newestApiVersion: string
  readonly smallestApiVersion: string
}

/** A handler whose operation has been looked up by name: the compiler no longer knows which input goes with it. */
export type AnyHandler = (input: unknown, context: { readonly signal: AbortSignal }) => Promise<unknown>

/** The handler of an operation, where the engine has one. */
export function handlerOf(engine: DaemonEngine, operationId: string): AnyHandler | undefined {
  return (engine.handlers as Readonly<Record<string, AnyHandler | undefined>>)[operationId]
}
