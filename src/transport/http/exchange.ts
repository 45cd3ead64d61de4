import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { AsyncQueue } from '../../util/async-queue.js'
import type { CallScope } from './call-scope.js'

/** A request, ready to be written. */
export interface HttpRequest {
  readonly method: Dispatcher.HttpMethod
  /** With the version prefix and the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Readable
  /** The protocol to ask for in an upgrade. */
  readonly upgrade?: string
  /** How long to wait for the head of the response, and between pieces of its body. 0: for ever. */
  readonly timeoutMs: number
}

/** A response whose head has arrived. */
export interface HttpResponse {
  readonly status: number
  /** Lower-case names; repeated headers joined as HTTP says. */
  readonly headers: Readonly<Record<string, string>>
  /** Iterate it at most once. Leaving the loop breaks the request off. */
  readonly body: AsyncIterable<Uint8Array>
  /** After an upgrade (status 101): the connection. Bytes that came with the head are still in it. */
  readonly upgraded?: Duplex
}

/** Pieces of a body that may wait for their reader; at most 64 KiB each. */
const waitingPieces = 16

/**
 * Send a request. Resolves when the head of the response is there.
 *
 * `dispatcher.dispatch` rather than `request`: of a refused upgrade it keeps status and body.
 *
 * @param explain turns a failure of the connection into what the caller is told; an ended scope's own reason comes first
 */
export function exchange(
  dispatcher: Dispatcher,
  request: HttpRequest,
  scope: CallScope,
  explain: (error: unknown, headArrived: boolean) => unknown
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let headArrived = false
    let breakOff: () => void = () => {}
    const body = new AsyncQueue<Uint8Array>({ limit: waitingPieces, onLeave: () => breakOff() })
    const fail = (error: unknown): void => {
      const reason = scope.ended === undefined ? explain(error, headArrived) : scope.ended.reason
      scope.release()
      body.fail(reason)
      reject(reason)
    }
    // Until undici has the request on a connection there is nothing to break off but our own waiting.
    scope.onEnd(() => fail(undefined))
    const { timeoutMs, ...rest } = request
    dispatcher.dispatch(
      { ...rest, headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
      {
        onRequestStart(controller) {
          breakOff = () => controller.abort(new Error('broken off'))
          scope.onEnd(breakOff)
        },
        onRequestUpgrade(_controller, status, headers, socket) {
          headArrived = true
          body.end()
          // undici took its listeners off. An error is told to whoever reads or writes; without a reader it must not end the process.
          socket.on('error', () => {})
          socket.once('close', () => scope.release())
          scope.onEnd(() => socket.destroy())
          resolve({ status, headers: flatten(headers), body, upgraded: socket })
        },
        onResponseStart(_controller, status, headers) {
          if (status < 200) return
          headArrived = true
          resolve({ status, headers: flatten(headers), body })
        },
        onResponseData(controller, chunk) {
          // undici's parser gives an empty piece each time it goes on: taken for data, it would pause it again at once, for ever.
          const room = chunk.length === 0 ? undefined : body.push(chunk)
          if (room === undefined) return
          controller.pause()
          void room.then(() => controller.resume())
        },
        onResponseEnd() {
          scope.release()
          body.end()
        },
        onResponseError(_controller, error) {
          fail(error)
        }
      }
    )
  })
}

function flatten(headers: IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}
