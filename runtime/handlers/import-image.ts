import type { CreateImageInfo } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import type { ContainerContext } from '../containers/container-context.js'
import { applyDockerfileChanges } from '../containers/dockerfile-changes.js'
import { nanoTime } from '../containers/nano-time.js'
import type { ImageConfig } from '../images/image-service.js'
import { familiar } from '../registry/reference.js'
import { tellOfImage } from './image-events.js'
import { taggedReference } from './tagged-reference.js'

/** What `POST /images/create` is given where it imports. */
export interface ImportRequest {
  /** `-` for the body, else an address. */
  readonly source: string
  readonly repo?: string | undefined
  readonly tag?: string | undefined
  readonly message?: string | undefined
  readonly changes?: readonly string[] | undefined
  readonly platform?: string | undefined
  readonly body: AsyncIterable<Uint8Array> | undefined
  readonly signal: AbortSignal
}

const minimumGapMs = 100

/**
 * `docker import`.
 *
 * @throws EngineError `invalid_argument`, `not_supported` (the platform), `unavailable`, `not_found` (the address); as `ImageService.import` does
 */
export async function importImage(context: ContainerContext, request: ImportRequest): Promise<AsyncIterable<CreateImageInfo>> {
  const { changes = [], platform, repo, tag, signal } = request
  const reference = repo ? taggedReference(repo, tag, 'cannot import digest reference') : undefined
  // The reason for the cast: an image's fields of a container's configuration are all that instructions set.
  const config = applyDockerfileChanges({}, changes) as ImageConfig
  const stopped = new AbortController()
  const stop = AbortSignal.any([signal, stopped.signal])
  const messages = new AsyncQueue<CreateImageInfo>({ onLeave: () => stopped.abort() })
  const address = request.source === '-' ? undefined : addressOf(request.source)
  const fetched = address === undefined ? undefined : await fetchArchive(address, stop)
  if (address !== undefined) messages.push({ status: `Downloading from ${shown(address)}` })
  const archive = fetched?.body ?? request.body ?? nothing()
  const done = context.images.import(archive, {
    config,
    message: request.message || `Imported from ${address === undefined ? '-' : shown(address)}`,
    created: nanoTime(),
    ...(platform && { platform }),
    ...(reference && { name: familiar(reference) }),
    ...(fetched && { onProgress: importing(message => messages.push(message), fetched.totalBytes) }),
    signal: stop
  })
  const told = done.then(
    image => {
      if (reference !== undefined) tellOfImage(context.events, 'tag', { ...image, name: familiar(reference) })
      tellOfImage(context.events, 'import', { ...image, name: image.id })
      messages.push({ status: image.id })
      messages.end()
    },
    (error: unknown) => messages.fail(error)
  )
  // Without a download there is nothing to tell before the end: then a failure fails the call.
  if (fetched === undefined) await done
  void told
  return messages
}

function addressOf(source: string): URL {
  // Docker takes a bare host, too.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : `http://${source}`
  const address = URL.canParse(text) ? new URL(text) : undefined
  if (address?.protocol === 'http:' || address?.protocol === 'https:') return address
  throw new EngineError('invalid_argument', `fromSrc: ${JSON.stringify(source)} is neither - nor an http or https address`, {
    details: { field: 'query.fromSrc' }
  })
}

/** Passwords and tokens in an address are for its server and for nobody's log. */
function shown({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`
}

interface FetchedArchive {
  readonly body: AsyncIterable<Uint8Array>
  readonly totalBytes: number
}

async function fetchArchive(address: URL, signal: AbortSignal): Promise<FetchedArchive> {
  let response: Response
  try {
    response = await fetch(withoutLogin(address), { signal, headers: loginOf(address) })
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new EngineError('unavailable', `Get "${shown(address)}": ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error
    })
  }
  if (response.ok && response.body !== null) {
    return { body: response.body, totalBytes: Number(response.headers.get('content-length') ?? 0) }
  }
  await response.body?.cancel()
  const code = response.status === 404 ? 'not_found' : response.status < 500 ? 'invalid_argument' : 'unavailable'
  throw new EngineError(code, `Get "${shown(address)}": the server answers ${response.status} ${response.statusText}`, {
    details: { status: response.status }
  })
}

/** fetch takes no login in an address, and says so with all of it. */
function withoutLogin(address: URL): URL {
  const plain = new URL(address)
  plain.username = ''
  plain.password = ''
  return plain
}

function loginOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return { authorization: `Basic ${login}` }
}

function importing(tell: (message: CreateImageInfo) => void, total: number): (current: number) => void {
  let toldAt = 0
  return current => {
    const now = performance.now()
    if (now - toldAt < minimumGapMs && current < total) return
    toldAt = now
    tell({ status: 'Importing', progressDetail: { current, ...(total > 0 && { total }) } })
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
