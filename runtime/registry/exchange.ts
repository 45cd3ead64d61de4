import { EngineError } from '../../src/errors/index.js'
import { isLoopbackHost } from './endpoints.js'
import { StallWatch } from './stall-watch.js'

/** The part of `fetch` that is used: the global one is such a function. */
export type Fetch = (url: string, init: FetchSettings) => Promise<Answer>

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface FetchSettings {
  readonly method: Method
  /** Lower-case names. */
  readonly headers: Record<string, string>
  readonly redirect: 'manual'
  readonly signal: AbortSignal
  /** Pieces are sent as they come, the next one is asked for when there is room. Without a `content-length` header their length is open. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** What `fetch` wants to hear where the body is pieces. */
  readonly duplex?: 'half'
}

/** The part of a `Response` that is used. */
export interface Answer {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: AnswerBody | null
}

export interface AnswerHeaders {
  /** @param name lower case */
  get(name: string): string | null
}

export interface AnswerBody {
  getReader(): {
    read(): Promise<{ readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value?: unknown }>
    cancel(): Promise<void>
  }
  cancel(): Promise<void>
}

/** One request, redirects included. */
export interface ExchangeRequest {
  readonly url: string
  readonly method?: Method
  /** Lower-case names. `authorization` is dropped as soon as a redirect leaves the origin. */
  readonly headers: Readonly<Record<string, string>>
  /** Text is a form that holds credentials: it goes to no other origin. */
  readonly body?: string | ExchangeBody
  /** What it is for, in messages: `pull alpine:latest`. */
  readonly doing: string
  readonly signal: AbortSignal
}

/** What is sent along. */
export interface ExchangeBody {
  /** Absent where it shows only at the end. */
  readonly sizeBytes?: number
  /** From its beginning; again for each place that a redirect leads to. */
  open(): AsyncIterable<Uint8Array>
}

export interface ExchangeOptions {
  /** Which `fetch` reaches a URL: some hosts need an agent of their own. */
  readonly fetchFor: (url: URL) => Promise<Fetch>
  /** Longest wait for the response to begin, and for each next piece of it. */
  readonly stallMs: number
  /** The same after a body has been sent: a registry hashes and stores it before it answers. @default `stallMs` */
  readonly settleMs?: number
  /** Whether a redirect from https to plain http is followed. */
  readonly allowDowngrade: boolean
}

/** A response whose body has not been read. Read it or discard it: until then its connection is taken. */
export interface Exchange {
  readonly status: number
  readonly headers: AnswerHeaders
  /** What answered, after redirects. */
  readonly url: string
  readonly host: string
  /** The body as it comes. Leaving the loop closes the connection. @throws EngineError `deadline_exceeded`, `unavailable` */
  bytes(): AsyncGenerator<Uint8Array, void, undefined>
  /** The whole body, undefined when it is longer than `limitBytes`. */
  read(limitBytes: number): Promise<Uint8Array | undefined>
  discard(): Promise<void>
}

const maximumRedirects = 5

/**
 * Ask, follow redirects, and give the response as soon as it begins. There is no time limit for the whole: only a stall
 * ends it, so a slow line works and a dead one is noticed.
 *
 * @throws EngineError `unavailable` without an answer, `deadline_exceeded` on a stall; the signal's reason on abort
 */
export async function openExchange(request: ExchangeRequest, options: ExchangeOptions): Promise<Exchange> {
  const watch = new StallWatch(request, options.stallMs)
  try {
    let url = new URL(request.url)
    let headers = request.headers
    for (let redirects = 0; ; redirects++) {
      watch.host = url.host
      const response = await fetchOnce(url, headers, request, { options, watch })
      const target = redirectTarget(response, url)
      if (target === undefined) return new OpenExchange(response, url, watch)
      await response.body?.cancel()
      if (redirects === maximumRedirects) throw badRedirect(request, url, `it redirected more than ${maximumRedirects} times`)
      checkRedirect(request, url, { target, options })
      // Storage behind a registry authorises by the URL; a token sent along would leak it, and S3 refuses to take two.
      if (target.origin !== url.origin) headers = withoutAuthorization(headers)
      url = target
    }
  } catch (error) {
    watch.stop()
    throw error
  }
}

async function fetchOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  request: ExchangeRequest,
  { options, watch }: { readonly options: ExchangeOptions; readonly watch: StallWatch }
): Promise<Answer> {
  const { body } = request
  const isStreamed = body !== undefined && typeof body !== 'string'
  const length = isStreamed && body.sizeBytes !== undefined ? { 'content-length': String(body.sizeBytes) } : {}
  const init: FetchSettings = {
    method: request.method ?? 'GET',
    headers: { ...headers, ...length },
    redirect: 'manual',
    signal: watch.signal,
    ...(typeof body === 'string' && { body }),
    ...(isStreamed && { body: watch.sending(body.open(), options.settleMs), duplex: 'half' })
  }
  const fetch = await options.fetchFor(url)
  return watch.during(() => fetch(url.href, init))
}

function redirectTarget(response: Answer, url: URL): URL | undefined {
  const location = response.headers.get('location')
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return undefined
  return URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
}

function checkRedirect(
  request: ExchangeRequest,
  url: URL,
  { target, options }: { readonly target: URL; readonly options: ExchangeOptions }
): void {
  if (target.protocol !== 'https:' && target.protocol !== 'http:') throw badRedirect(request, url, `it redirected to ${target.protocol}`)
  const downgrade = url.protocol === 'https:' && target.protocol === 'http:'
  if (downgrade && !options.allowDowngrade && !isLoopbackHost(target.host)) {
    throw badRedirect(request, url, `it redirected from https to plain http on ${target.host}`)
  }
  if (typeof request.body === 'string' && target.origin !== url.origin) {
    throw badRedirect(request, url, `it redirected a request that holds credentials to ${target.host}`)
  }
}

function badRedirect(request: ExchangeRequest, url: URL, problem: string): EngineError {
  return new EngineError('unavailable', `cannot ${request.doing}: registry ${url.host}: ${problem}; that is not followed`, {
    details: { registry: url.host }
  })
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'))
}

class OpenExchange implements Exchange {
  readonly url: string
  readonly host: string
  readonly #response: Answer
  readonly #watch: StallWatch

  constructor(response: Answer, url: URL, watch: StallWatch) {
    this.#response = response
    this.url = url.href
    this.host = url.host
    this.#watch = watch
  }

  get status(): number {
    return this.#response.status
  }

  get headers(): AnswerHeaders {
    return this.#response.headers
  }

  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.#response.body?.getReader()
    try {
      for (;;) {
        const next = reader === undefined ? { done: true as const } : await this.#watch.during(() => reader.read())
        if (next.done) return
        yield next.value
      }
    } finally {
      this.#watch.stop()
      // After the end this does nothing; after a failure it rejects with what was thrown already.
      await reader?.cancel().catch(() => undefined)
    }
  }

  async read(limitBytes: number): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of this.bytes()) {
      size += chunk.byteLength
      if (size > limitBytes) return undefined
      // A piece is ours only until the next one is asked for.
      chunks.push(Uint8Array.from(chunk))
    }
    return Buffer.concat(chunks)
  }

  async discard(): Promise<void> {
    this.#watch.stop()
    await this.#response.body?.cancel().catch(() => undefined)
  }
}
