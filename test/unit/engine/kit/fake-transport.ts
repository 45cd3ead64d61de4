import type { CallContext, InputOf, Operation, OutputOf } from '../../../../src/api/operation.js'
import { EngineError } from '../../../../src/errors/index.js'
import type { CallOptions, Transport, TransportKind } from '../../../../src/transport/transport.js'

type AnyHandler = (input: never, context: CallContext & { readonly options: CallOptions }) => unknown

/** A call that was made, for looking at afterwards. */
export interface SeenCall {
  readonly id: string
  readonly input: Readonly<Record<string, unknown>>
}

/** A transport whose operations are answered by the test. */
export class FakeTransport implements Transport {
  readonly kind: TransportKind
  readonly endpoint = 'fake://engine'
  readonly apiVersion = '1.51'
  readonly calls: SeenCall[] = []
  isClosed = false
  readonly #handlers = new Map<string, AnyHandler>()

  constructor(kind: TransportKind = 'unix') {
    this.kind = kind
  }

  /** Answer an operation. The handler is called at once; it may be asynchronous. */
  answer<Op extends Operation>(
    operation: Op,
    handler: (input: InputOf<Op>, context: CallContext & { readonly options: CallOptions }) => OutputOf<Op> | Promise<OutputOf<Op>>
  ): this {
    this.#handlers.set(operation.id, handler as AnyHandler)
    return this
  }

  /** The ids of the calls, in order. */
  get ids(): readonly string[] {
    return this.calls.map(call => call.id)
  }

  /** The inputs of one operation's calls. */
  inputs<Op extends Operation>(operation: Op): readonly InputOf<Op>[] {
    return this.calls.filter(call => call.id === operation.id).map(call => call.input as unknown as InputOf<Op>)
  }

  async call<Op extends Operation>(operation: Op, input: InputOf<Op>, options: CallOptions = {}): Promise<OutputOf<Op>> {
    this.calls.push({ id: operation.id, input: input as unknown as SeenCall['input'] })
    const handler = this.#handlers.get(operation.id)
    if (handler === undefined) throw new EngineError('not_implemented', `${operation.id} has no answer in this test`)
    const signal = options.signal ?? new AbortController().signal
    signal.throwIfAborted()
    const aborted = new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    aborted.catch(() => {})
    const answer = handler(input as never, { signal, options })
    options.onResponse?.()
    return (await Promise.race([answer, aborted])) as OutputOf<Op>
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
