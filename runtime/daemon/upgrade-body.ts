import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { EngineError } from '../../src/errors/index.js'

/** Longest body of a request that asks for an upgrade. They are a line of JSON. */
const bodyLimit = 1024 * 1024

/** How long such a body may take. */
const bodyTimeoutMs = 60_000

/** A body that was read from the connection itself, and what came after it. */
export interface UpgradeBody {
  readonly body: AsyncIterable<Uint8Array> | undefined
  /** What belongs to the upgraded connection already. */
  readonly rest: Buffer
}

/**
 * The body of a request that asks for an upgrade. From Node 26 on it comes with the request, as other bodies do; before, Node stops reading
 * at the end of the headers, and it comes as the connection's first bytes.
 */
export async function readUpgradeBody(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<UpgradeBody> {
  const { 'content-length': lengthText, 'transfer-encoding': encoding } = request.headers
  const length = Number(lengthText ?? 0)
  if (length === 0 && encoding === undefined) return { body: undefined, rest: head }
  if (!request.complete || request.readableLength > 0) return { body: request, rest: head }
  if (encoding !== undefined) {
    throw new EngineError('invalid_argument', 'a request that asks for an upgrade must say the length of its body (Content-Length)')
  }
  if (!(length >= 0 && length <= bodyLimit)) {
    throw new EngineError('resource_exhausted', `the body of a request that asks for an upgrade is longer than ${bodyLimit} bytes`, {
      details: { status: 413, limit: bodyLimit }
    })
  }
  const bytes = await readAtLeast(connection, head, length)
  return { body: once(bytes.subarray(0, length)), rest: bytes.subarray(length) }
}

/** Read until there are `length` bytes. The connection is left paused. */
function readAtLeast(connection: Duplex, head: Buffer, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks = [head]
    let received = head.length
    const settle = (finish: () => void): void => {
      clearTimeout(timer)
      connection.off('data', take)
      connection.off('close', cut)
      connection.off('end', cut)
      connection.pause()
      finish()
    }
    const take = (chunk: Buffer): void => {
      chunks.push(chunk)
      received += chunk.length
      if (received >= length) settle(() => resolve(Buffer.concat(chunks)))
    }
    const cut = (): void => settle(() => reject(new EngineError('invalid_argument', "the request's body ended before its Content-Length")))
    const timer = setTimeout(
      () =>
        settle(() =>
          reject(new EngineError('deadline_exceeded', `the request's body did not arrive within ${bodyTimeoutMs / 1000} seconds`))
        ),
      bodyTimeoutMs
    )
    connection.on('close', cut)
    connection.on('end', cut)
    connection.on('data', take)
    if (received >= length) settle(() => resolve(head))
  })
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
