import { EngineError } from '../../src/errors/index.js'

/** The longest JSON body that is taken, in bytes. Docker's own messages stay far below it. */
export const jsonBodyLimit = 8 * 1024 * 1024

/** A JSON body that takes longer than this to arrive is given up. */
const jsonBodyTimeoutMs = 60_000

/**
 * Read a body that is one JSON value; undefined for an empty one. Like Docker's decoder it looks no further than the end of the first value
 * where that is all that is wrong with the rest.
 *
 * @throws EngineError `invalid_argument` for what is not JSON; `resource_exhausted` for more than {@link jsonBodyLimit}; `deadline_exceeded`
 * for one that does not come
 */
export async function readJsonBody(body: AsyncIterable<Uint8Array>, operationId: string): Promise<unknown> {
  const text = (await readLimited(body)).toString('utf8')
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EngineError('invalid_argument', `invalid JSON in the body of ${operationId}: ${(cause as Error).message}`, {
      details: { field: 'body' },
      cause
    })
  }
}

async function readLimited(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  let isLate = false
  const iterator = body[Symbol.asyncIterator]()
  const late = new EngineError('deadline_exceeded', `the request's body did not arrive within ${jsonBodyTimeoutMs / 1000} seconds`)
  let giveUp: (error: unknown) => void = () => {}
  const deadline = new Promise<never>((_resolve, reject) => {
    giveUp = reject
  })
  deadline.catch(() => {})
  const timer = setTimeout(() => {
    isLate = true
    giveUp(late)
  }, jsonBodyTimeoutMs)
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), deadline])
      if (done) return Buffer.concat(chunks)
      length += value.length
      if (length > jsonBodyLimit) {
        throw new EngineError('resource_exhausted', `the request's body is longer than ${jsonBodyLimit} bytes`, {
          details: { status: 413, limit: jsonBodyLimit }
        })
      }
      chunks.push(value)
    }
  } finally {
    clearTimeout(timer)
    // Leaving the loop of a stream destroys it, and with it the connection that the answer has to take: whoever answers ends it.
    if (isLate) void iterator.return?.()
  }
}
