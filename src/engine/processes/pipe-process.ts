import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { ZodType } from 'zod'
import type { Container, RunOf } from '../handles.js'
import { signalOfExitCode } from './exit-code.js'
import type { ForegroundProcess } from './foreground.js'
import type { Output, PipeProcess, PipeResult } from './process.js'

/** A process seen through pipes. */
export class PipeProcessHandle implements PipeProcess, RunOf {
  readonly #process: ForegroundProcess

  constructor(process: ForegroundProcess) {
    this.#process = process
  }

  get id(): Promise<string> {
    return this.#process.id.promise
  }

  get container(): Promise<Container> {
    return quiet(this.#process.container())
  }

  get stdin(): Writable {
    return this.#process.input
  }

  get stdout(): Readable {
    return this.#process.readable('stdout')
  }

  get stderr(): Readable {
    return this.#process.readable('stderr')
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#process.kill(signal)
  }

  text(): Promise<string> {
    return this.#process.text()
  }

  lines(): AsyncIterable<string> {
    return this.#process.lines()
  }

  json<T>(schema: ZodType<T>): Promise<T> {
    return this.#process.json(schema)
  }

  // biome-ignore lint/suspicious/noThenProperty: a process is awaitable by design
  then<A = PipeResult, B = never>(
    onResolved?: ((value: PipeResult) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this.#result().then(onResolved, onRejected)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Output, void, undefined> {
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
    for await (const { stream, chunk } of this.#process.pieces(['stdout', 'stderr'])) {
      // The reason for the cast: StringDecoder takes any Uint8Array, its types ask for a Buffer.
      const text = decoders[stream].write(chunk as Buffer)
      if (text !== '') yield { stream, text, at: new Date() }
    }
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = decoders[stream].end()
      if (text !== '') yield { stream, text, at: new Date() }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.dispose()
  }

  async #result(): Promise<PipeResult> {
    const { exitCode, ms } = await this.#process.collect()
    const { output } = this.#process
    const signal = signalOfExitCode(exitCode)
    const lostBytes = output.lostBytes(['stdout', 'stderr'])
    return { exitCode, ...(signal && { signal }), stdout: output.text('stdout'), stderr: output.text('stderr'), lostBytes, ms }
  }
}

/** A promise that was handed out without being asked for on its own: its failure shows where it is awaited, or elsewhere. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
