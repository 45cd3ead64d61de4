import type { IncomingMessage, ServerResponse } from 'node:http'
import { deleteBlob, readBlob } from './blob-endpoint.js'
import { type Exchange, type RegistryContext, send, sendRefusal } from './exchange.js'
import type { Wish } from './gatekeeper.js'
import { listReferrers, listRepositories, listTags } from './list-endpoints.js'
import { deleteManifest, getManifest, putManifest } from './manifest-endpoint.js'
import { Refusal, refusalOf } from './refusal.js'
import { parseRoute, type Route } from './route.js'
import { addToUpload, beginUpload, cancelUpload, finishUpload, showUpload } from './upload-endpoint.js'

/** Answers requests of the OCI distribution specification 1.1. */
export class RegistryHandler {
  readonly #context: RegistryContext
  readonly #log: (line: string) => void
  readonly #running = new Set<AbortController>()
  readonly #answers = new Set<Promise<void>>()

  constructor(context: RegistryContext, log: (line: string) => void) {
    this.#context = context
    this.#log = log
  }

  /** Answer a request. Never rejects. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = this.#answer(request, response).finally(() => this.#answers.delete(answer))
    this.#answers.add(answer)
    return answer
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#answers)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('docker-distribution-api-version', 'registry/2.0')
    response.setHeader('x-content-type-options', 'nosniff')
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const path = mark === -1 ? url : url.slice(0, mark)
    const leaving = this.#signalOf(response)
    const exchange = { request, response, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)), signal: leaving.signal }
    try {
      await this.#route(exchange, parseRoute(path))
    } catch (error) {
      if (!leaving.signal.aborted || !response.destroyed) this.#refuse(exchange, error)
    }
    this.#log(`${request.method} ${path} ${response.statusCode}`)
  }

  /** End what is under way. */
  close(): void {
    const reason = new Refusal('UNKNOWN', 'the registry is closed', { status: 503 })
    for (const controller of this.#running) controller.abort(reason)
  }

  #signalOf(response: ServerResponse): AbortController {
    const controller = new AbortController()
    this.#running.add(controller)
    response.once('close', () => {
      this.#running.delete(controller)
      if (!response.writableFinished) controller.abort(new Refusal('UNKNOWN', 'the client has left', { status: 499 }))
    })
    return controller
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const refusal = refusalOf(error)
    if (refusal.refusalCode === 'UNKNOWN') this.#log(`${exchange.request.method} failed: ${textOf(error)}`)
    sendRefusal(exchange, refusal)
  }

  async #route(exchange: Exchange, route: Route | undefined): Promise<void> {
    if (route === undefined) throw new Refusal('UNSUPPORTED', 'this registry has no such path: its API begins at /v2/', { status: 404 })
    const context = this.#context
    const method = exchange.request.method === 'HEAD' ? 'GET' : (exchange.request.method ?? '')
    if (route.kind === 'token') {
      if (method !== 'GET') throw notAllowed(['GET'])
      return send(exchange, 200, { 'content-type': 'application/json' }, await context.gatekeeper.token(exchange.request, exchange.query))
    }
    await context.gatekeeper.admit(exchange.request, wishOf(route, method))
    const action = actionsOf(context, exchange, route)
    const work = action[method]
    if (work === undefined) throw notAllowed(Object.keys(action))
    checkChange(context, method)
    await work()
  }
}

type Actions = Readonly<Record<string, () => void | Promise<void>>>

/** What can be done with what a route names, by method. */
function actionsOf(context: RegistryContext, exchange: Exchange, route: Exclude<Route, { readonly kind: 'token' }>): Actions {
  switch (route.kind) {
    case 'base':
      return { GET: () => send(exchange, 200, { 'content-type': 'application/json' }, '{}') }
    case 'catalog':
      return { GET: () => listRepositories(context, exchange) }
    case 'tags':
      return { GET: () => listTags(context, exchange, route.repository) }
    case 'referrers':
      return { GET: () => listReferrers(context, exchange, route) }
    case 'blob':
      return { GET: () => readBlob(context, exchange, route), DELETE: () => deleteBlob(context, exchange, route) }
    case 'manifest':
      return {
        GET: () => getManifest(context, exchange, route),
        PUT: () => putManifest(context, exchange, route),
        DELETE: () => deleteManifest(context, exchange, route)
      }
    case 'uploads':
      return { POST: () => beginUpload(context, exchange, route.repository) }
    case 'upload':
      return {
        GET: () => showUpload(context, exchange, route),
        PATCH: () => addToUpload(context, exchange, route),
        PUT: () => finishUpload(context, exchange, route),
        DELETE: () => cancelUpload(context, exchange, route)
      }
  }
}

function wishOf(route: Route, method: string): Wish {
  if (!('repository' in route)) return { action: 'look' }
  const { repository } = route
  // Whoever pushes asks how far an upload has come, and gives it up.
  if (route.kind === 'upload' || route.kind === 'uploads') return { action: 'push', repository }
  return { action: method === 'GET' ? 'pull' : method === 'DELETE' ? 'delete' : 'push', repository }
}

function checkChange({ readOnly, upstream }: RegistryContext, method: string): void {
  if (method === 'GET') return
  if (readOnly) throw new Refusal('UNSUPPORTED', 'this registry is read-only')
  if (upstream !== undefined && method !== 'DELETE') throw new Refusal('UNSUPPORTED', 'this registry is a cache of another one: push there')
}

function notAllowed(methods: readonly string[]): Refusal {
  const allow = methods.includes('GET') ? ['HEAD', ...methods] : methods
  return new Refusal('UNSUPPORTED', `this can be asked for by ${allow.join(', ')}`, { headers: { allow: allow.join(', ') } })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
