import type { Duplex } from 'node:stream'
import { decodeFrames } from '../../api/frames.js'
import { decodeJsonLines } from '../../api/json-lines.js'
import type { Frame, Operation } from '../../api/operation.js'
import { EngineError } from '../../errors/index.js'
import type { CallScope } from './call-scope.js'
import type { CallFacts } from './connection-error.js'
import type { HttpResponse } from './exchange.js'
import { HijackedConnection } from './hijacked-connection.js'
import { ownedStream } from './owned-stream.js'
import { messageOf } from './response-error.js'
import { formFromResponse, type OutputForm } from './terminal.js'

/** What decoding has to know beside the response. */
export interface DecodeContext {
  readonly call: CallFacts
  readonly endpoint: string
  readonly apiVersion: string
  /** Whether the process has a terminal, where that was found out before. */
  readonly tty: boolean | undefined
  readonly scope: CallScope
  /** The connection of a hijack. */
  readonly socket: Duplex | undefined
  readonly explain: (error: unknown) => unknown
}

/** Turn a response that is no error into the operation's output. */
export async function decodeResponse(operation: Operation, response: HttpResponse, context: DecodeContext): Promise<unknown> {
  const { body } = response
  const owned = <T>(source: AsyncIterable<T>): AsyncIterable<T> => ownedStream(source, context.scope, () => context.scope.end(left))
  switch (operation.response) {
    case 'none':
      await readText(body)
      return { modified: response.status !== 304 }
    case 'headers':
      return response.headers
    case 'text':
      return readText(body)
    case 'json':
      return parseJson(await readText(body), context)
    case 'json-lines':
      return owned(decodeJsonLines(body))
    case 'tar':
      return Object.assign(owned(body), { headers: response.headers })
    case 'frames':
      return owned(framesOf(body, formOf(response, context)))
    case 'hijack':
      return hijack(operation, response, context)
  }
}

/** Nobody sees it: whoever left a stream does not ask it any more. */
const left = new EngineError('failed', 'the stream was left by its reader')

function formOf(response: HttpResponse, context: DecodeContext): OutputForm {
  return formFromResponse(response.headers['content-type'], context.apiVersion) ?? (context.tty ? 'raw' : 'framed')
}

function framesOf(bytes: AsyncIterable<Uint8Array>, form: OutputForm): AsyncIterable<Frame> {
  return form === 'framed' ? decodeFrames(bytes) : asStdout(bytes)
}

async function* asStdout(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  for await (const data of bytes) yield { stream: 'stdout', data }
}

function hijack(operation: Operation, response: HttpResponse, context: DecodeContext): HijackedConnection {
  const { scope, socket, explain } = context
  // An engine may also answer 200 and go on with the bare bytes; then they come as the body, and stdin goes to the socket beside it.
  const sink = response.upgraded ?? socket
  if (sink === undefined) throw new EngineError('internal', `${operation.id}: the engine answered and there is no connection`)
  const bytes = response.upgraded === undefined ? response.body : socketBytes(response.upgraded, scope, explain)
  // A session's bytes are BuildKit's business.
  const isBare = operation.id === 'Session'
  const form = isBare ? 'raw' : formOf(response, context)
  return new HijackedConnection({
    tty: !isBare && form === 'raw',
    sink,
    frames: framesOf(bytes, form),
    scope,
    operation: operation.id
  })
}

async function* socketBytes(socket: Duplex, scope: CallScope, explain: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of socket) yield chunk
  } catch (error) {
    throw scope.ended === undefined ? explain(error) : scope.ended.reason
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string, { call, endpoint }: DecodeContext): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EngineError(
      'data_loss',
      `${call.operation}: ${endpoint} answered ${call.method} ${call.path} with something that is not JSON (${messageOf(text)}): is it an engine?`,
      { details: { endpoint, ...call }, cause }
    )
  }
}
