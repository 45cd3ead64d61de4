import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { ZodType } from 'zod'
import { checkCount } from '../checks.js'
import type { Container, RunOf } from '../handles.js'
import { attachTerminal } from './attach-terminal.js'
import { signalOfExitCode } from './exit-code.js'
import type { ForegroundProcess } from './foreground.js'
import { quiet } from './pipe-process.js'
import type { Terminal, TtyProcess, TtyResult } from './process.js'

/** A process seen through its terminal. */
export class TtyProcessHandle implements TtyProcess, RunOf {
  readonly terminal: Terminal
  readonly #process: ForegroundProcess

  constructor(process: ForegroundProcess) {
    this.#process = process
    this.terminal = new TerminalHandle(process)
  }

  get id(): Promise<string> {
    return this.#process.id.promise
  }

  get container(): Promise<Container> {
    return quiet(this.#process.container())
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
  then<A = TtyResult, B = never>(
    onResolved?: ((value: TtyResult) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this.#result().then(onResolved, onRejected)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    const decoder = new StringDecoder('utf8')
    for await (const { chunk } of this.#process.pieces(['stdout'])) {
      // The reason for the cast: StringDecoder takes any Uint8Array, its types ask for a Buffer.
      const text = decoder.write(chunk as Buffer)
      if (text !== '') yield text
    }
    const rest = decoder.end()
    if (rest !== '') yield rest
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.dispose()
  }

  async #result(): Promise<TtyResult> {
    const { exitCode, ms } = await this.#process.collect()
    const { output } = this.#process
    const signal = signalOfExitCode(exitCode)
    return { exitCode, ...(signal && { signal }), output: output.text('stdout'), lostBytes: output.lostBytes(['stdout']), ms }
  }
}

class TerminalHandle implements Terminal {
  readonly #process: ForegroundProcess

  constructor(process: ForegroundProcess) {
    this.#process = process
  }

  get input(): Writable {
    return this.#process.input
  }

  get output(): Readable {
    return this.#process.readable('stdout')
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#process.resize({ columns: checkCount('terminal.resize columns', columns), rows: checkCount('terminal.resize rows', rows) })
  }

  attach(stdio: NodeJS.Process = process): Promise<number> {
    return attachTerminal(this.#process, stdio)
  }
}
