import type { ChildProcessByStdio } from 'node:child_process'
import { Duplex, type Readable, type Writable } from 'node:stream'
import { EngineError } from '../../errors/index.js'

type PipedProcess = ChildProcessByStdio<Writable, Readable, Readable>

/** As much of stderr as belongs into a message. */
const stderrLimit = 2000

/**
 * A process's stdin and stdout as one stream, as a socket would be: half-closing it closes stdin, destroying it ends
 * the process. When the process fails, so does the stream, with what the process said on stderr.
 */
export class ProcessDuplex extends Duplex {
  readonly #child: PipedProcess
  /** Once it has ended and its output was taken: the error, if it failed. */
  readonly #over: Promise<EngineError | undefined>
  #stderr = ''

  constructor(child: PipedProcess, program: string) {
    super({ allowHalfOpen: true })
    this.#child = child
    child.stdout.on('data', chunk => {
      if (!this.push(chunk)) child.stdout.pause()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrLimit)
    })
    // A process that went away is reported by its exit, with the reason; the pipe's EPIPE says less.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
    // 'exit' rather than 'close': an ssh that stays behind as the shared connection keeps stderr open. What was written before is in the
    // pipe, so the end of stdout is awaited too.
    const exited = new Promise<number | string>(resolve => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'a signal')))
    const drained = new Promise<void>(resolve => child.stdout.once('close', resolve))
    this.#over = Promise.all([exited, drained]).then(([status]) => (status === 0 ? undefined : failure(program, status, this.#stderr)))
    child.once('error', error => this.destroy(error))
    void this.#over.then(failed => {
      if (failed === undefined) this.push(null)
      else this.destroy(failed)
    })
  }

  /** Let the process keep this one alive. */
  ref(): this {
    return this.#each('ref')
  }

  /** Do not let the process keep this one alive. */
  unref(): this {
    return this.#each('unref')
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, error => this.#settle(error, callback))
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#child.stdin.end((error?: Error | null) => this.#settle(error, callback))
  }

  /** A process that does not read is about to end, and says more about it than the EPIPE of the write. */
  #settle(error: Error | null | undefined, callback: (error?: Error | null) => void): void {
    if (error) void this.#over.then(failed => callback(failed ?? error))
    else callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { stdin, stdout, stderr } = this.#child
    for (const stream of [stdin, stdout, stderr]) stream.destroy()
    this.#child.kill()
    callback(error)
  }

  #each(verb: 'ref' | 'unref'): this {
    const { stdin, stdout, stderr } = this.#child
    for (const part of [this.#child, stdin, stdout, stderr]) {
      // The reason for the cast: the pipes of a child are sockets, though their types do not say so.
      ;(part as { ref?(): void; unref?(): void })[verb]?.()
    }
    return this
  }
}

function failure(program: string, status: number | string, stderr: string): EngineError {
  const said = stderr.trim()
  return new EngineError('unavailable', `${program} ended with ${status}${said === '' ? ' and said nothing' : `: ${said}`}`, {
    details: { program, status, stderr: said }
  })
}
