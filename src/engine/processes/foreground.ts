import type { Readable, Writable } from 'node:stream'
import type { ZodType } from 'zod'
import type { Hijacked } from '../../api/operation.js'
import { EngineError, ExitError } from '../../errors/index.js'
import { type Deferred, deferred } from '../../util/deferred.js'
import { LineSplitter } from '../../util/line-splitter.js'
import type { LinkedSignal } from '../../util/link-signals.js'
import { fedReadable, sinkWritable } from '../../util/streams.js'
import type { Container } from '../handles.js'
import { OutputMux, type StreamName } from './output-mux.js'
import type { TerminalSize } from './process.js'
import { queueSink } from './queue-sink.js'

/** A process that has been started, and the connection to it. */
export interface Launched {
  /** What `kill` and `resize` are called with: the id of the container, or of the exec. */
  readonly id: string
  readonly connection: Hijacked
  /** The exit code, when it has ended. */
  readonly exit: Promise<number>
  /** `performance.now()` at the start. */
  readonly startedAt: number
}

/** What differs between processes: how they come into being, and what ends with them. */
export interface ProcessDriver {
  /** For messages. */
  readonly argv: readonly string[]
  readonly tty: boolean
  /** Open for as long as the process; aborting it gives the process up. */
  readonly scope: LinkedSignal
  /** Whether it was started by this handle: then its input ends with the first use of its output, and it ends with its handle. */
  readonly owned: boolean
  /** `identify` is to be called as soon as the id is known, `size` gives the terminal's size so far. */
  launch(port: { identify(id: string): void; size(): TerminalSize | undefined }): Promise<Launched>
  kill(id: string, signal: NodeJS.Signals): Promise<void>
  resize(id: string, size: TerminalSize): Promise<void>
  container(id: string): Promise<Container>
  /** Undo what was made, after a failure or an abort. Never rejects. */
  abandon(): Promise<void>
}

/** How a process ended. */
export interface Ended {
  readonly exitCode: number
  readonly ms: number
}

/**
 * A process from its launch to its end, whatever it is seen as. Every promise in here counts as handled: a failure surfaces where somebody
 * awaits something.
 */
export class ForegroundProcess {
  readonly output = new OutputMux()
  readonly id: Deferred<string> = deferred()
  readonly launched: Deferred<Launched> = deferred()
  readonly ended: Deferred<Ended> = deferred()
  readonly #driver: ProcessDriver
  readonly #streams = new Map<StreamName, Readable>()
  #input: Writable | undefined
  #inputClosed = false
  #state: 'launching' | 'running' | 'over' = 'launching'
  #isDetached = false
  #size: TerminalSize | undefined

  constructor(driver: ProcessDriver) {
    this.#driver = driver
    void this.#run()
  }

  get argv(): readonly string[] {
    return this.#driver.argv
  }

  get streamNames(): readonly StreamName[] {
    return this.#driver.tty ? ['stdout'] : ['stdout', 'stderr']
  }

  /** The process's input, as a stream. */
  get input(): Writable {
    this.#input ??= this.#inputClosed ? closedInput() : sinkWritable({ write: chunk => this.#write(chunk), end: () => this.#endInput() })
    return this.#input
  }

  /** One of its outputs, as a stream. */
  readable(name: StreamName): Readable {
    const existing = this.#streams.get(name)
    if (existing !== undefined) return existing
    const { stream, feed, end, fail } = fedReadable()
    this.output.take([name], { write: feed, end, fail })
    this.#streams.set(name, stream)
    return stream
  }

  /** Some outputs in the order of their pieces, for a loop. Leaving it lets go of them. */
  pieces(names: readonly StreamName[]): AsyncIterable<{ readonly stream: StreamName; readonly chunk: Uint8Array }> {
    this.#closeUnusedInput()
    const { queue, sink } = queueSink(() => this.output.discard(names))
    this.output.take(names, sink)
    return queue
  }

  /** Ask for everything as a whole; resolves at the end. */
  async collect(): Promise<Ended> {
    this.#closeUnusedInput()
    this.output.collect()
    return this.ended.promise
  }

  async text(): Promise<string> {
    const ended = await this.collect()
    this.#check(ended)
    return this.output.wholeText('stdout')
  }

  async *lines(): AsyncGenerator<string, void, undefined> {
    const splitter = new LineSplitter()
    for await (const { chunk } of this.pieces(['stdout'])) yield* splitter.push(chunk)
    yield* splitter.end()
    this.#check(await this.ended.promise)
  }

  async json<T>(schema: ZodType<T>): Promise<T> {
    const text = await this.text()
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (cause) {
      throw new EngineError('failed', `The output of ${this.#name()} is not JSON: ${(cause as Error).message}`, { cause })
    }
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const issues = parsed.error.issues.map(issue => `${issue.path.join('.') || 'the value'}: ${issue.message}`).join('; ')
    throw new EngineError('failed', `The output of ${this.#name()} does not fit the schema: ${issues}`, { cause: parsed.error })
  }

  /** Send a signal, after the start. A process that has ended is left in peace. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const { id } = await this.launched.promise
    if (this.#state === 'over') return
    try {
      await this.#driver.kill(id, signal)
    } catch (error) {
      if (!this.#hasEnded(error)) throw error
    }
  }

  /** Remembered until the start. A process that has ended has no terminal any more, which is no error. */
  async resize(size: TerminalSize): Promise<void> {
    this.#size = size
    const { id } = await this.launched.promise
    if (this.#state === 'over' || this.#size !== size) return
    try {
      await this.#driver.resize(id, size)
    } catch (error) {
      if (!this.#hasEnded(error)) throw error
    }
  }

  async container(): Promise<Container> {
    const { id } = await this.launched.promise
    return this.#driver.container(id)
  }

  /** Let go of it while it goes on: what waits for it rejects. */
  detach(): void {
    this.#isDetached = true
    this.#driver.scope.abort(new EngineError('failed', `${this.#name()} was detached from. Its container goes on: use its handle`))
  }

  /** End it if it still runs and was started here, and wait for that. */
  async dispose(): Promise<void> {
    if (this.#state === 'launching') {
      this.#driver.scope.abort(new EngineError('failed', `${this.#name()} was given up before it had started`))
    }
    if (this.#state === 'running' && this.#driver.owned) await this.#end()
    if (this.#state === 'running' && !this.#driver.owned) this.detach()
    // A stream that nobody reads any more would hold up the end.
    for (const stream of this.#streams.values()) stream.destroy()
    await this.ended.promise.catch(() => {})
  }

  /** Kill it; where an engine cannot, let go of it. */
  async #end(): Promise<void> {
    try {
      await this.kill('SIGKILL')
    } catch (error) {
      if (!EngineError.is(error) || error.code !== 'not_supported') throw error
      this.detach()
    }
  }

  async #run(): Promise<void> {
    // What the caller does with the process in the same turn (give the terminal a size) is known from here on.
    await undefined
    const { scope } = this.#driver
    let connection: Hijacked | undefined
    try {
      const launched = await this.#driver.launch({ identify: this.id.resolve, size: () => this.#size })
      connection = launched.connection
      this.#state = 'running'
      this.launched.resolve(launched)
      const [exitCode] = await Promise.all([launched.exit, this.#pump(connection)])
      this.#finish({ exitCode, ms: performance.now() - launched.startedAt })
    } catch (error) {
      const reason = scope.signal.aborted ? scope.signal.reason : error
      // Ends what is still in flight, such as the wait for a container that was never started.
      scope.abort(reason)
      if (!this.#isDetached) await this.#driver.abandon()
      this.#fail(reason)
    } finally {
      scope.release()
      await connection?.close().catch(() => {})
    }
  }

  async #pump(connection: Hijacked): Promise<void> {
    for await (const { stream, data } of connection.output) {
      if (stream === 'stdin') continue
      const room = this.output.push(stream, data)
      if (room !== undefined) await room
    }
  }

  #finish(ended: Ended): void {
    this.#state = 'over'
    this.output.end()
    this.ended.resolve(ended)
    this.#input?.destroy()
  }

  #fail(reason: unknown): void {
    this.#state = 'over'
    this.id.reject(reason)
    this.launched.reject(reason)
    this.output.end({ reason })
    this.ended.reject(reason)
    this.#input?.destroy(reason instanceof Error ? reason : undefined)
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const { connection } = await this.launched.promise
    await connection.write(chunk)
  }

  async #endInput(): Promise<void> {
    const { connection } = await this.launched.promise
    // A terminal has no half-close; engines even drop the output when one is tried. Ctrl-D is its end of file.
    if (this.#driver.tty) await connection.write(Uint8Array.of(4))
    else await connection.closeWrite()
  }

  #closeUnusedInput(): void {
    if (this.#input !== undefined || this.#inputClosed || this.#driver.tty || !this.#driver.owned) return
    this.#inputClosed = true
    this.launched.promise.then(({ connection }) => connection.closeWrite()).catch(() => {})
  }

  /** Whether a call failed because the process has ended meanwhile, which this process may not have heard of yet. */
  #hasEnded(error: unknown): boolean {
    return this.#state === 'over' || (EngineError.is(error) && (error.code === 'conflict' || error.code === 'not_found'))
  }

  #check({ exitCode }: Ended): void {
    if (exitCode === 0) return
    throw new ExitError({
      exitCode,
      stdout: this.output.text('stdout'),
      stderr: this.#driver.tty ? '' : this.output.text('stderr'),
      argv: this.argv
    })
  }

  #name(): string {
    return this.argv.length === 0 ? "the image's default command" : this.argv.join(' ')
  }
}

function closedInput(): Writable {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new EngineError(
        'conflict',
        'Standard input was closed when the output was asked for. Take stdin before awaiting or reading the process'
      )
    )
  return sinkWritable({ write: refuse, end: async () => {} })
}
