import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Hijacked, Operation, OperationInput } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { writeError } from './client-failure.js'
import { type AnyHandler, type DaemonEngine, handlerOf } from './daemon-engine.js'
import { hijack } from './hijack.js'
import { type RequestParts, readInput } from './read-input.js'
import { parseTarget, type RequestTarget, versionOf } from './request-target.js'
import { ongoingOperations, type RequestTracker, type RunningRequest } from './request-tracker.js'
import { createRoutes, type Route, type Routes } from './routes.js'
import { sendError } from './send-error.js'
import { sendResponse } from './send-response.js'
import { takeConnection } from './taken-connection.js'
import { readUpgradeBody } from './upgrade-body.js'
import { viewFor } from './version-views.js'
import { attachWebsocket } from './websocket-attach.js'

/** A request that was understood so far: what is asked, and in which version. */
interface Call {
  readonly route: Route
  readonly target: RequestTarget
  readonly version: string
  readonly handler: AnyHandler
}

/** Answers requests with an engine's handlers. Knows nothing of sockets to listen on. */
export class DaemonServer {
  readonly #engine: DaemonEngine
  readonly #tracker: RequestTracker
  readonly #routes: Routes = createRoutes()
  readonly #log: ((line: string) => void) | undefined
  readonly #headers: readonly (readonly [string, string])[]

  constructor(engine: DaemonEngine, tracker: RequestTracker, log?: (line: string) => void) {
    this.#log = log
    this.#engine = engine
    this.#tracker = tracker
    this.#headers = [
      ['Api-Version', engine.apiVersion],
      ['Docker-Experimental', 'false'],
      ['Ostype', 'linux'],
      ['Server', `Gantry/${engine.version} (linux)`]
    ]
  }

  /** Answer a request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of this.#headers) response.setHeader(name, value)
    response.on('error', () => {})
    this.#logged(request, response)
    try {
      const call = this.#understand(request)
      if (call.route.operation.response === 'hijack') await this.#answerByHijack(call, request, response)
      else await this.#answerPlainly(call, request, response)
    } catch (error) {
      // What begins to be an answer cannot become another one.
      if (response.headersSent || response.socket === null) response.destroy()
      else sendError(response, error)
    } finally {
      // Whoever sent a body that nobody read gets no further request through.
      if (!request.readableEnded) request.resume()
    }
  }

  /** Answer a request that asks for an upgrade. Never rejects. */
  async answerUpgrade(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    connection.on('error', () => {})
    this.#log?.(`${request.method} ${request.url} (upgrade: ${request.headers.upgrade})`)
    let call: Call
    try {
      call = this.#understand(request)
    } catch (error) {
      return writeError(connection, error)
    }
    const { operation } = call.route
    try {
      if (operation.id === 'ContainerAttachWebsocket') {
        const input = await readInput(call.route, this.#partsOf(request, call, undefined))
        await this.#tracked(operation, ({ signal }) => attachWebsocket(call.handler, { input, request, connection, head, signal }))
        return
      }
      const { body, rest } = await readUpgradeBody(request, connection, head)
      const input = await readInput(call.route, this.#partsOf(request, call, body))
      if (operation.response === 'hijack' && !isDetached(input)) {
        await this.#hijackTo(call, input, connection, { upgrade: request.headers.upgrade ?? 'tcp', head: rest })
        return
      }
      // An upgrade may be declined: other operations are answered as if nobody had asked. The connection is not used again, because
      // Node has let go of it.
      const response = this.#responseOn(request, connection)
      await this.#tracked(operation, running => this.#send(call, input, response, running))
    } catch (error) {
      writeError(connection, error)
    }
  }

  #logged({ method, url }: IncomingMessage, response: ServerResponse): void {
    const log = this.#log
    if (log === undefined) return
    const begun = performance.now()
    response.once('close', () => log(`${method} ${url} ${response.statusCode} ${(performance.now() - begun).toFixed(1)} ms`))
  }

  #understand(request: IncomingMessage): Call {
    const target = parseTarget(request.url ?? '/')
    const version = versionOf(target, this.#engine)
    const route = this.#routes(request.method ?? 'GET', target.path)
    if (route === undefined) throw new EngineError('not_found', 'page not found')
    const { id } = route.operation
    // A browser's attach is the same thing as any other to an engine.
    const handler = handlerOf(this.#engine, id) ?? handlerOf(this.#engine, sameAs[id] ?? id)
    if (handler === undefined) {
      throw new EngineError('not_implemented', `${id} is not built yet in Gantry's daemon`, { details: { operation: id } })
    }
    return { route, target, version, handler }
  }

  async #answerPlainly(call: Call, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { operation } = call.route
    // From its headers on: who is still sending its body when the daemon stops gets its answer.
    await this.#tracked(operation, async running => {
      const input = await readInput(call.route, this.#partsOf(request, call, hasBody(request) ? request : undefined))
      response.once('close', () => {
        // Emitted too when all went well.
        if (!response.writableFinished) running.leave()
      })
      await this.#send(call, input, response, running)
    })
  }

  async #answerByHijack(call: Call, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { operation } = call.route
    if (operation.id === 'ContainerAttachWebsocket') {
      throw new EngineError('invalid_argument', 'attach/ws speaks WebSocket: the request has no Upgrade: websocket header')
    }
    const input = await readInput(call.route, this.#partsOf(request, call, hasBody(request) ? request : undefined))
    if (isDetached(input)) {
      await this.#tracked(operation, running => this.#send(call, input, response, running))
      return
    }
    await this.#tracked(operation, async ({ signal, leave }) => {
      request.socket.once('close', leave)
      const process = (await call.handler(input, { signal })) as Hijacked
      const connection = takeConnection(request, response)
      await hijack(connection, process, this.#handover(call, { upgrade: undefined, head: Buffer.alloc(0), signal }))
    })
  }

  async #hijackTo(
    call: Call,
    input: OperationInput,
    connection: Duplex,
    how: { readonly upgrade: string; readonly head: Buffer }
  ): Promise<void> {
    await this.#tracked(call.route.operation, async ({ signal, leave }) => {
      connection.once('close', leave)
      // The handler of a hijacked operation gives a connection.
      const process = (await call.handler(input, { signal })) as Hijacked
      await hijack(connection, process, this.#handover(call, { ...how, signal }))
    })
  }

  #handover(call: Call, how: { readonly upgrade: string | undefined; readonly head: Buffer; readonly signal: AbortSignal }) {
    return { ...how, version: call.version, isBare: call.route.operation.id === 'Session' }
  }

  async #send(call: Call, input: OperationInput, response: ServerResponse, running: RunningRequest): Promise<void> {
    const { operation } = call.route
    if (pings.has(operation.id)) await this.#sayWhoAnswers(response, running)
    const answer = call.handler(input, running)
    if (operation.id === 'ContainerWait') await announceWait(answer, response)
    const output = await answer
    if (response.destroyed) return
    if (operation.response === 'hijack') {
      // A process that nobody is connected to: it has been started, and that is all there is to say.
      await (output as Hijacked).close()
      response.setHeader('content-length', 0)
      response.end()
      return
    }
    const tty = operation.response === 'frames' && (await this.#hasTerminal(input, running))
    await sendResponse(response, operation, viewFor(operation.id, output, call.version, input), {
      version: call.version,
      tty,
      running
    })
  }

  /** A ping's headers tell clients what to speak, whichever of its two methods they use. */
  async #sayWhoAnswers(response: ServerResponse, running: RunningRequest): Promise<void> {
    response.setHeader('cache-control', 'no-cache, no-store, must-revalidate')
    response.setHeader('pragma', 'no-cache')
    // SystemPingHead's own output.
    const headers = await handlerOf(this.#engine, 'SystemPingHead')?.({}, running)
    for (const [name, value] of Object.entries((headers ?? {}) as Readonly<Record<string, string>>)) response.setHeader(name, value)
  }

  /** Whether a container whose output is sent has a terminal; services' and tasks' have none. */
  async #hasTerminal(input: OperationInput, running: RunningRequest): Promise<boolean> {
    const inspect = handlerOf(this.#engine, 'ContainerInspect')
    const view = await inspect?.({ path: input.path, query: {} }, running).catch(() => undefined)
    // ContainerInspect's own output.
    return (view as { readonly Config?: { readonly Tty?: boolean } } | undefined)?.Config?.Tty ?? false
  }

  #partsOf(request: IncomingMessage, { target, version }: Call, body: AsyncIterable<Uint8Array> | undefined): RequestParts {
    return { headers: request.headers, query: target.query, version, body }
  }

  #tracked<T>(operation: Operation, action: (running: RunningRequest) => Promise<T>): Promise<T> {
    return this.#tracker.run(ongoingOperations.has(operation.id), action)
  }

  #responseOn(request: IncomingMessage, connection: Duplex): ServerResponse {
    const response = new ServerResponse(request)
    for (const [name, value] of this.#headers) response.setHeader(name, value)
    response.setHeader('connection', 'close')
    response.shouldKeepAlive = false
    // The reason for the cast: what an HTTP server upgrades is a socket, of TLS or not.
    response.assignSocket(connection as Socket)
    response.once('finish', () => connection.end())
    return response
  }
}

const pings: ReadonlySet<string> = new Set(['SystemPing', 'SystemPingHead'])

const sameAs: Readonly<Record<string, string>> = { ContainerAttachWebsocket: 'ContainerAttach' }

/** The headers of a wait say that it is registered, so they go before the answer is known; what fails at once still gets its status. */
async function announceWait(answer: Promise<unknown>, response: ServerResponse): Promise<void> {
  let isSettled = false
  const settle = (): void => {
    isSettled = true
  }
  answer.then(settle, settle)
  await nextTurn()
  if (isSettled) return
  response.setHeader('content-type', 'application/json')
  response.flushHeaders()
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function isDetached({ body }: OperationInput): boolean {
  return typeof body === 'object' && body !== null && 'Detach' in body && body.Detach === true
}
