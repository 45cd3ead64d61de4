import type { InputOf, Operation, OperationInput, OutputOf } from '../../api/operation.js'
import type { CallOptions, EngineReach, Transport, TransportKind } from '../transport.js'
import { CallScope } from './call-scope.js'
import { checkSupport } from './check-support.js'
import { type CallFacts, closedError, connectionError } from './connection-error.js'
import type { Connections } from './connections.js'
import { decodeResponse } from './decode-response.js'
import { encodeRequest } from './encode-request.js'
import type { Endpoint } from './endpoint.js'
import { exchange } from './exchange.js'
import { isLongRunning, isOpenEnded } from './long-running.js'
import { responseError } from './response-error.js'
import { findTerminal } from './terminal.js'

/** What an {@link HttpTransport} works with. */
export interface HttpTransportParts {
  readonly target: Endpoint
  readonly connections: Connections
  readonly apiVersion: string
  readonly isGantry: boolean
  /** How long an ordinary call may wait for its answer. */
  readonly deadlineMs: number
  readonly reach: EngineReach
}

/**
 * The Engine API over HTTP. All there is to know of a call comes from the operation's own description.
 *
 * `close` waits for calls that are over by themselves and breaks off the others (streams, attached processes,
 * ContainerWait) with `unavailable`: they may have no end.
 */
export class HttpTransport implements Transport {
  readonly kind: TransportKind
  readonly endpoint: string
  readonly apiVersion: string
  readonly isGantry: boolean
  readonly reach: EngineReach
  readonly #parts: HttpTransportParts
  readonly #prefix: string
  readonly #openEnded = new Map<CallScope, CallFacts>()
  #closing: Promise<void> | undefined

  constructor(parts: HttpTransportParts) {
    const { target, apiVersion } = parts
    this.kind = target.kind
    this.endpoint = target.display
    this.apiVersion = apiVersion
    this.isGantry = parts.isGantry
    this.reach = parts.reach
    this.#parts = parts
    this.#prefix = `${target.kind === 'tcp' ? target.basePath : ''}/v${apiVersion}`
  }

  async call<Op extends Operation>(operation: Op, input: InputOf<Op>, options: CallOptions = {}): Promise<OutputOf<Op>> {
    options.signal?.throwIfAborted()
    checkSupport(operation, input, this)
    this.#checkOpen(operation)
    let tty: boolean | undefined
    // Without this question the call is under way when this returns, so that a close right after it does not refuse it.
    if (operation.response === 'frames' || operation.response === 'hijack') {
      tty = await findTerminal(this, operation, input, options)
      this.#checkOpen(operation)
    }
    // The reason for the cast: what an operation's response decodes to is stated by its type alone.
    return (await this.#send(operation, withTerminal(operation, input, tty), options, tty)) as OutputOf<Op>
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #send(operation: Operation, input: OperationInput, options: CallOptions, tty: boolean | undefined): Promise<unknown> {
    const { connections, deadlineMs, target } = this.#parts
    const request = encodeRequest(operation, input, this.#prefix)
    const facts = factsOf(operation, request.path)
    const explain = (error: unknown, headArrived = true): unknown => connectionError(error, target, facts, headArrived)
    const scope = new CallScope(options.signal, ended => this.#openEnded.delete(ended))
    if (isOpenEnded(operation)) this.#openEnded.set(scope, facts)
    const isLong = isLongRunning(operation)
    const single = operation.response === 'hijack' || options.background === true ? connections.single() : undefined
    try {
      const dispatcher = single?.dispatcher ?? (isLong ? connections.long : connections.short)
      const answered = exchange(dispatcher, { ...request, timeoutMs: isLong ? 0 : deadlineMs }, scope, explain)
      single?.seal()
      const response = await answered
      if (response.status >= 400) throw await responseError(response, target.display, facts)
      options.onResponse?.()
      if (options.background === true) single?.socket()?.unref?.()
      const socket = single?.socket()
      const { apiVersion, endpoint } = this
      return await decodeResponse(operation, response, { call: facts, endpoint, apiVersion, tty, scope, socket, explain })
    } catch (error) {
      const reason = scope.ended === undefined ? error : scope.ended.reason
      scope.end(reason)
      scope.release()
      throw reason
    }
  }

  async #close(): Promise<void> {
    for (const [scope, facts] of [...this.#openEnded]) scope.end(closedError(this.endpoint, facts))
    await this.#parts.connections.close()
  }

  #checkOpen(operation: Operation): void {
    if (this.#closing !== undefined) throw closedError(this.endpoint, factsOf(operation, operation.path))
  }
}

/** Without the query: build arguments and remote addresses in it may be secret, and these facts are shown. */
function factsOf(operation: Operation, path: string): CallFacts {
  return { operation: operation.id, method: operation.method, path: path.replace(/\?.*/, '') }
}

/** An exec that does not say whether it has a terminal means: as it was created. */
function withTerminal(operation: Operation, input: OperationInput, tty: boolean | undefined): OperationInput {
  if (operation.id !== 'ExecStart' || tty === undefined) return input
  return { ...input, body: { Tty: tty, ...(typeof input.body === 'object' ? input.body : {}) } }
}
