import type { Runtime } from '../../../runtime/index.js'
import type { Hijacked, InputOf, Operation, OutputOf } from '../../api/operation.js'
import { EngineError } from '../../errors/index.js'
import type { CallOptions, Listener, ListenOptions, Transport } from '../transport.js'
import { EventLoopHold } from './event-loop-hold.js'

/** A handler whose operation has been looked up by name: the compiler no longer knows which input goes with it. */
type AnyHandler = (input: unknown, context: { readonly signal: AbortSignal }) => Promise<unknown>

/** Settings that are to change; what is not named stays as it is. */
export type ReloadedSettings = Parameters<Runtime['reload']>[0]

/** Calls the runtime's handlers directly. */
export class InProcessTransport implements Transport {
  readonly kind = 'in-process'
  readonly isGantry = true
  readonly endpoint: string
  readonly apiVersion: string
  readonly #runtime: Runtime
  readonly #hold = new EventLoopHold()
  #closed: Promise<void> | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.endpoint = runtime.root
    this.apiVersion = runtime.apiVersion
  }

  async call<Op extends Operation>(operation: Op, input: InputOf<Op>, options: CallOptions = {}): Promise<OutputOf<Op>> {
    if (this.#closed !== undefined) throw new EngineError('unavailable', `the engine is closed: ${operation.id} was not called`)
    options.signal?.throwIfAborted()
    const handler = (this.#runtime.handlers as Readonly<Record<string, AnyHandler | undefined>>)[operation.id]
    if (handler === undefined) {
      throw new EngineError('not_implemented', `${operation.id} is not built yet in the in-process runtime`, {
        details: { operation: operation.id }
      })
    }
    const release = this.#hold.acquire()
    try {
      const answer = handler(input, { signal: options.signal ?? new AbortController().signal })
      // Handlers register what they wait for before they first give way: the call counts as taken.
      options.onResponse?.()
      const output = await answer
      // The handler of an operation gives that operation's output: Handlers is derived from the same table.
      return (options.background ? output : this.#holding(operation, output)) as OutputOf<Op>
    } finally {
      release()
    }
  }

  /** Serve the engine over HTTP beside its use in this process. */
  listen(address: string, options: ListenOptions = {}): Promise<Listener> {
    if (this.#closed !== undefined)
      return Promise.reject(new EngineError('unavailable', `the engine is closed: it cannot listen on ${address}`))
    return this.#runtime.listen(address, options)
  }

  /** Change the engine's settings while it runs. @throws EngineError `invalid_argument`; then nothing has changed */
  reload(settings: ReloadedSettings): void {
    this.#runtime.reload(settings)
  }

  close(): Promise<void> {
    this.#closed ??= this.#runtime.close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Streams keep the event loop alive while they are read. */
  #holding(operation: Operation, output: unknown): unknown {
    switch (operation.response) {
      case 'json-lines':
      case 'frames':
      case 'tar':
        return this.#holdingIterable(output as AsyncIterable<unknown>)
      case 'hijack':
        return this.#holdingConnection(output as Hijacked)
      default:
        return output
    }
  }

  #holdingIterable<T extends object>(stream: T & AsyncIterable<unknown>): T {
    const hold = this.#hold
    const iterate = async function* () {
      const release = hold.acquire()
      try {
        yield* stream
      } finally {
        release()
      }
    }
    return Object.create(stream, { [Symbol.asyncIterator]: { value: iterate } })
  }

  #holdingConnection(connection: Hijacked): Hijacked {
    const close = () => connection.close()
    return {
      tty: connection.tty,
      output: this.#holdingIterable(connection.output),
      write: chunk => connection.write(chunk),
      closeWrite: () => connection.closeWrite(),
      close,
      [Symbol.asyncDispose]: close
    }
  }
}
