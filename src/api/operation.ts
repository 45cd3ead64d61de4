import type { ZodType } from 'zod'
import type { Parameters } from './parameter.js'

/** HTTP methods the Engine API uses. */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

/** What travels with a request: nothing, one JSON value, or a tar archive as a stream. A body the caller left out is not sent. */
export type RequestKind = 'none' | 'json' | 'tar'

/**
 * What comes back.
 *
 * - `none`: no body; the output is a {@link Done}.
 * - `headers`: a HEAD call; the output is built from response headers (lower-case names).
 * - `json`: one JSON value.
 * - `text`: a short text body.
 * - `json-lines`: JSON values one after the other, as an `AsyncIterable`. A value that reports an error
 *   (`errorDetail`) makes the iteration throw: a 200 whose stream carries an error rejects.
 * - `tar`: an archive, as {@link TarStream}.
 * - `frames`: a container's output, as an `AsyncIterable` of {@link Frame}.
 * - `hijack`: a two-way connection to a process, as {@link Hijacked}.
 */
export type ResponseKind = 'none' | 'headers' | 'json' | 'text' | 'json-lines' | 'tar' | 'frames' | 'hijack'

/** The answer of an operation without a body. `modified` is false where the API says 304: it was so already. */
export interface Done {
  readonly modified: boolean
}

/** A piece of a container's output. With a terminal everything is `stdout`. */
export interface Frame {
  readonly stream: 'stdin' | 'stdout' | 'stderr'
  readonly data: Uint8Array
}

/** An archive on its way out, with the response headers that describe it (lower-case names). */
export interface TarStream extends AsyncIterable<Uint8Array> {
  readonly headers: Readonly<Record<string, string>>
}

/**
 * A two-way connection to a process: what attach and exec-start give.
 *
 * Iterate `output` at most once; leaving the loop, or `close`, gives everything back. The end of `output` is the end
 * of the process's output, not of the process.
 */
export interface Hijacked extends AsyncDisposable {
  /** Whether the process has a terminal: then all output is `stdout` and nothing is framed. */
  readonly tty: boolean
  readonly output: AsyncIterable<Frame>
  /** Resolves when more can be taken: await it for backpressure. Rejects when the process no longer reads. */
  write(chunk: Uint8Array): Promise<void>
  /** Half-close: the process sees end of file on stdin while its output goes on. Idempotent. */
  closeWrite(): Promise<void>
  /** Drop the connection. Idempotent. */
  close(): Promise<void>
}

/** What a call takes. Absent parts are parts that the operation does not have. */
export interface OperationInput {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: object | undefined
  readonly headers?: object | undefined
  readonly body?: unknown
}

/** A schema made on first use: the table has some 110 operations and a program uses a handful. */
export type Lazy<T extends ZodType> = () => T

/**
 * One operation of the Engine API (or of `/gantry/...`), as data. The HTTP client, the in-process dispatcher, the
 * daemon and the coverage tests are all derived from it.
 */
export interface Operation<I extends OperationInput = OperationInput, O = unknown> {
  /** The operationId of the published description, e.g. `ContainerCreate`. */
  readonly id: string
  readonly method: Method
  /** Template without the version prefix, e.g. `/containers/{id}/start`. */
  readonly path: string
  /** First API version that has it, where that is later than 1.24. */
  readonly since?: string
  /** Last API version that has it. */
  readonly until?: string
  readonly request: RequestKind
  readonly response: ResponseKind
  /** Query and header parameters as plain data: enough to write and read them without building a schema. */
  readonly parameters: {
    readonly query?: Parameters
    readonly headers?: Parameters
  }
  readonly schemas: {
    readonly path?: Lazy<ZodType>
    readonly query?: Lazy<ZodType>
    readonly headers?: Lazy<ZodType>
    readonly body?: Lazy<ZodType>
  }
  /** For the type system only; never set. */
  readonly '~types'?: { readonly input: I; readonly output: O }
}

/** The input of an operation. */
export type InputOf<Op> = Op extends Operation<infer I, unknown> ? I : never

/** What a call of the operation resolves to. */
export type OutputOf<Op> = Op extends Operation<OperationInput, infer O> ? O : never

/** The server side of one operation. */
export type Handler<Op> = (input: InputOf<Op>, context: CallContext) => Promise<OutputOf<Op>>

/** What a handler is told beside its input. */
export interface CallContext {
  /** Aborted when the caller gives up or goes away. */
  readonly signal: AbortSignal
}
