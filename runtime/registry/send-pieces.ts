import type { ClientRequest, IncomingMessage } from 'node:http'

/**
 * Write a request's body as the connection takes it, until its end, or until the other side wants no more of it: it has answered already, or is
 * gone, which `error` tells. An error of the pieces is the request's.
 */
export async function sendPieces(request: ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const flow = new Flow(request)
  try {
    for await (const piece of pieces) {
      if (flow.isOver) break
      if (!request.write(piece)) await flow.drained()
      if (flow.isOver) break
    }
    if (flow.isOver) flow.hangUp()
    else request.end()
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

/** Whether a request takes more. */
class Flow {
  isOver = false
  readonly #request: ClientRequest
  #response: IncomingMessage | undefined
  #wake: () => void = () => {}

  constructor(request: ClientRequest) {
    this.#request = request
    const end = () => {
      this.isOver = true
      this.#wake()
    }
    request.on('drain', () => this.#wake())
    request.once('close', end)
    request.once('response', response => {
      this.#response = response
      end()
    })
  }

  drained(): Promise<void> {
    return new Promise(resolve => {
      if (this.isOver) resolve()
      this.#wake = resolve
    })
  }

  /** The connection is in the middle of a body: it cannot be used again. What was answered is read first. */
  hangUp(): void {
    const response = this.#response
    if (response === undefined || response.readableEnded) this.#request.destroy()
    else response.once('end', () => this.#request.destroy())
  }
}
