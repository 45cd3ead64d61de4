import { codeOf, errorCodeHeader } from '../../api/status.js'
import { codeOfMessage, tellsUntrusted } from '../../api/stream-error.js'
import { errorCodes } from '../../errors/error-code.js'
import { EngineError, type ErrorCode } from '../../errors/index.js'
import type { CallFacts } from './connection-error.js'
import type { HttpResponse } from './exchange.js'

/** More of an error's body than this is not read: it may be a page. */
const bodyLimitBytes = 64 * 1024
const bodyLimitMs = 10_000
const messageLimit = 500

/** What a status of 400 and more means to the caller. Reads the body, and leaves when it is too long. Never rejects. */
export async function responseError(response: HttpResponse, endpoint: string, call: CallFacts): Promise<EngineError> {
  const { status } = response
  const said = messageOf(await readBody(response.body))
  const details = { status, endpoint, ...call }
  // A plain-text answer of Go's TLS server to a client that speaks HTTP.
  if (/HTTP request to an HTTPS server/i.test(said)) {
    return new EngineError(
      'unavailable',
      `${endpoint} expects TLS. Give tls with ca, cert and key, or set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH`,
      {
        details
      }
    )
  }
  // The engine answers 400 to every call below its oldest version, which says nothing about the call.
  if (/client version .* is too (old|new)/i.test(said)) return new EngineError('not_supported', said, { details })
  if (status === 404 && call.path.includes('/gantry/') && /^(404 )?(page )?not found$/i.test(said)) {
    return new EngineError('not_supported', `${call.operation} is a call of Gantry's own, and the engine at ${endpoint} does not have it`, {
      details
    })
  }
  const text = said === '' ? `${endpoint} answered ${call.method} ${call.path} with status ${status} and no message` : said
  return new EngineError(namedCode(response) ?? codeFor(status, said, call), text, { details })
}

/** Calls that speak with a registry: what it refuses comes as a bare 500, and only the words say what it was. */
const registryCalls: ReadonlySet<string> = new Set([
  'DistributionInspect',
  'ImageBuild',
  'ImageCreate',
  'ImagePush',
  'ImageSearch',
  'PluginPull',
  'PluginPush',
  'PluginUpgrade',
  'SystemAuth'
])

/** What an engine of Gantry says itself. */
function namedCode({ headers }: HttpResponse): ErrorCode | undefined {
  const named = headers[errorCodeHeader]
  return errorCodes.find(code => code === named)
}

function codeFor(status: number, said: string, { operation }: CallFacts): ErrorCode {
  if (tellsUntrusted(status, said)) return 'untrusted'
  const fromWords = status === 500 && registryCalls.has(operation) ? codeOfMessage(said) : undefined
  return fromWords ?? codeOf(status, operation)
}

/** The text of an error's body: Docker's JSON `message`, a line of text, or what a page says. */
export function messageOf(body: string): string {
  const text = body.trim()
  if (text.startsWith('{')) {
    try {
      const value: unknown = JSON.parse(text)
      // `cause` and `response` are Podman's; its `message` comes first all the same.
      if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string')
        return shorten(value.message)
    } catch {
      // Not JSON after all: it is shown as it came.
    }
  }
  if (!/^<(!doctype|html|\?xml)/i.test(text)) return shorten(text)
  const withoutCode = text.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
  return shorten(withoutCode.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '))
}

function shorten(text: string): string {
  const trimmed = text.trim()
  return trimmed.length <= messageLimit ? trimmed : `${trimmed.slice(0, messageLimit)}…`
}

async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  const iterator = body[Symbol.asyncIterator]()
  // A call without a deadline must not wait for ever for an error's text.
  const timer = setTimeout(() => void iterator.return?.(), bodyLimitMs)
  try {
    for (let next = await iterator.next(); !next.done && length < bodyLimitBytes; next = await iterator.next()) {
      chunks.push(next.value)
      length += next.value.length
    }
    await iterator.return?.()
  } catch {
    // The status alone is an answer; what could be read of the message goes with it.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).subarray(0, bodyLimitBytes).toString('utf8')
}
