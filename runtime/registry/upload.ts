import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { Digest } from './digest.js'
import { isLoopbackHost } from './endpoints.js'
import type { ExchangeBody } from './exchange.js'
import type { RegistryRequest, Sent } from './registry-requester.js'
import { pullScope } from './scopes.js'
import { checkStored } from './stored-digest.js'

/** How an upload talks to its registry. */
export interface UploadPorts {
  /** One request, with the repository, the credentials and the scope of the push; its answer is read here. */
  send(request: Pick<RegistryRequest, 'wanted' | 'target' | 'headers'> & Partial<RegistryRequest>): Promise<Sent>
  /** For messages: `push alpine:latest`. */
  readonly doing: string
}

/** A blob of another repository that may be taken over. */
export interface MountRequest {
  readonly digest: Digest
  /** The other repository's path. */
  readonly from: string
}

const answerLimitBytes = 64 * 1024
const octets = { 'content-type': 'application/octet-stream' }

/** One upload session: distribution specification 1.1, "Pushing blobs". */
export class Upload {
  readonly #ports: UploadPorts
  #location: string
  /** The smallest piece that the registry takes in the middle of a blob. */
  readonly chunkMinimumBytes: number

  private constructor(ports: UploadPorts, location: string, chunkMinimumBytes: number) {
    this.#ports = ports
    this.#location = location
    this.chunkMinimumBytes = chunkMinimumBytes
  }

  /** @returns undefined where the registry took the blob from the other repository: nothing is to be sent */
  static async begin(ports: UploadPorts, mount?: MountRequest): Promise<Upload | undefined> {
    const target = mount === undefined ? '' : `?mount=${encodeURIComponent(mount.digest)}&from=${encodeURIComponent(mount.from)}`
    const scopes = mount === undefined ? [] : [pullScope(mount.from)]
    const sent = await ports.send({ method: 'POST', wanted: 'upload', target, headers: {}, scopes, accepted: [201, 202] })
    await drain(sent)
    crashPoint('upload.begun')
    if (sent.exchange.status === 201) return undefined
    const minimum = Number(sent.exchange.headers.get('oci-chunk-min-length') ?? 0)
    const location = locationOf(sent, ports.doing)
    if (location !== undefined) return new Upload(ports, location, Number.isSafeInteger(minimum) ? minimum : 0)
    throw new EngineError(
      'unavailable',
      `cannot ${ports.doing}: registry ${sent.exchange.host} began an upload without saying where it goes`
    )
  }

  /** Send bytes to be added. @param offset - where they belong; without it they are added at the end */
  async add(body: ExchangeBody, offset?: number): Promise<void> {
    const isMeasured = offset !== undefined && body.sizeBytes !== undefined && body.sizeBytes > 0
    const range = isMeasured ? { 'content-range': `${offset}-${offset + (body.sizeBytes ?? 0) - 1}` } : {}
    await this.#send({ method: 'PATCH', target: this.#location, headers: { ...octets, ...range }, accepted: [202, 204], body })
  }

  /** End it, with all or the rest of the blob if it was not sent before. */
  async finish(digest: Digest, body?: ExchangeBody): Promise<void> {
    const target = `${this.#location}${this.#location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
    const { exchange } = await this.#send({ method: 'PUT', target, headers: octets, accepted: [201, 202, 204], ...(body && { body }) })
    crashPoint('upload.finished')
    checkStored(exchange, digest, this.#ports.doing)
  }

  /** How many bytes have arrived. */
  async received(): Promise<number> {
    const { exchange } = await this.#send({ method: 'GET', target: this.#location, headers: {}, accepted: [204, 202] })
    const last = /^(?:bytes=)?0-(\d+)$/.exec(exchange.headers.get('range')?.trim() ?? '')?.[1]
    // "0-0" is what registries say of none; that it is one byte shows when the next are sent.
    return last === undefined || last === '0' ? 0 : Number(last) + 1
  }

  /** Let the registry throw away what it has of it. Best effort: registries do that by themselves some day. */
  async cancel(signal: AbortSignal): Promise<void> {
    await this.#send({ method: 'DELETE', target: this.#location, headers: {}, accepted: [202, 204, 404], signal }).catch(() => undefined)
  }

  async #send(request: Omit<Parameters<UploadPorts['send']>[0], 'wanted'>): Promise<Sent> {
    const sent = await this.#ports.send({ ...request, wanted: 'upload' })
    await drain(sent)
    this.#location = locationOf(sent, this.#ports.doing) ?? this.#location
    return sent
  }
}

/** So that the connection can be used for the next request. */
async function drain({ exchange }: Sent): Promise<void> {
  await exchange.read(answerLimitBytes).catch(() => undefined)
}

/** Relative, or absolute; a registry behind a proxy may not know by which scheme it is reached. */
function locationOf({ exchange, base }: Sent, doing: string): string | undefined {
  const text = exchange.headers.get('location')
  if (text === null || !URL.canParse(text, exchange.url)) return undefined
  const own = new URL(base)
  const url = new URL(text, exchange.url)
  if (url.host === own.host) url.protocol = own.protocol
  if (url.protocol === 'https:' || own.protocol === 'http:' || isLoopbackHost(url.host)) return url.href
  throw new EngineError(
    'unavailable',
    `cannot ${doing}: registry ${own.host} wants the upload over plain http on ${url.host}; that is not done`,
    {
      details: { registry: own.host }
    }
  )
}
