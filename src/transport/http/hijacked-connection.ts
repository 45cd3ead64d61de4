import type { Duplex } from 'node:stream'
import type { Frame, Hijacked } from '../../api/operation.js'
import { EngineError } from '../../errors/index.js'
import type { CallScope } from './call-scope.js'
import { ownedStream } from './owned-stream.js'

/** What a {@link HijackedConnection} is made of. */
export interface HijackedParts {
  readonly tty: boolean
  /** The connection: written to as it is. */
  readonly sink: Duplex
  /** What comes back, decoded. */
  readonly frames: AsyncIterable<Frame>
  readonly scope: CallScope
  /** For messages. */
  readonly operation: string
}

/** A two-way connection to a process, over a socket that carries nothing else. */
export class HijackedConnection implements Hijacked {
  readonly tty: boolean
  readonly output: AsyncIterable<Frame>
  readonly #sink: Duplex
  readonly #scope: CallScope
  readonly #operation: string
  #closed = false

  constructor(parts: HijackedParts) {
    this.tty = parts.tty
    this.#sink = parts.sink
    this.#scope = parts.scope
    this.#operation = parts.operation
    this.output = ownedStream(this.#untilClosed(parts.frames), parts.scope, () => this.#drop())
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sink.write(chunk, error => {
        if (error) reject(this.#scope.ended === undefined ? this.#noLongerReads(error) : this.#scope.ended.reason)
        else resolve()
      })
    })
  }

  closeWrite(): Promise<void> {
    return new Promise(resolve => {
      // Where the connection is gone the process sees the end of its input all the same.
      if (this.#sink.destroyed || this.#sink.writableFinished) resolve()
      else this.#sink.end(() => resolve())
    })
  }

  async close(): Promise<void> {
    this.#drop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #drop(): void {
    this.#closed = true
    this.#sink.destroy()
  }

  async *#untilClosed(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    try {
      yield* frames
    } catch (error) {
      // A connection that was closed here is at its end, not broken.
      if (!this.#closed) throw error
    }
  }

  #noLongerReads(cause: Error): EngineError {
    const why = this.#sink.writableEnded ? 'its input was closed' : 'the process no longer reads its input, or has ended'
    return new EngineError('failed', `${this.#operation}: nothing can be written: ${why}`, {
      details: { operation: this.#operation },
      cause
    })
  }
}
