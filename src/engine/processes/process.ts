import type { Readable, Writable } from 'node:stream'
import type { ZodType } from 'zod'
import type { Abortable } from '../values.js'

/** A piece of output, decoded. In logs: one line, without its line end. */
export interface Output {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
  readonly at: Date
}

/**
 * What `run` and `attach` have in common.
 *
 * The first use decides what becomes of the output:
 *
 * - awaiting the process, `text()` and `json()` collect it in memory, 256 MiB at most;
 * - `lines()`, `for await` and the streams hand it on with backpressure and keep nothing of it;
 * - as long as nothing asks for it, it is taken from the container anyway, so that the container never stands still, and the last
 *   16 MiB are kept for a later use. Where more was lost, `text`, `json`, `lines`, loops and streams fail with `data_loss`, and the
 *   awaited result tells it as `lostBytes`.
 *
 * `stdout` and `stderr` are decided one by one. Both come over one connection: a stream that was opened has to be read or destroyed, or
 * it holds up the other.
 *
 * Standard input is closed at the first of await, `text`, `lines`, `json` or `for await`, unless it was used before. So a program that
 * reads its input to the end (`cat`) ends.
 *
 * A process that was started holds the event loop until it ends, as a child process does.
 */
export interface ProcessBase extends AsyncDisposable {
  /** The container's id, once it is known. */
  readonly id: Promise<string>
  /** Send a signal. It waits for the start, where that is still under way. @default SIGKILL, as docker kill */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** The whole standard output as it was written, line end included. @throws ExitError when the exit code is not 0 */
  text(): Promise<string>
  /** Standard output line by line. Leaving the loop leaves the process running. @throws ExitError at its end when the exit code is not 0 */
  lines(): AsyncIterable<string>
  /** Standard output as JSON, checked by a zod schema. @throws ExitError when the exit code is not 0; EngineError `failed` */
  json<T>(schema: ZodType<T>): Promise<T>
  /** End the process if it still runs, and wait for that; what was only attached to is let go of. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How a process without a terminal has ended. */
export interface PipeResult {
  readonly exitCode: number
  /** Where the exit code is 128 and a signal's number. A program may end with such a code by itself. */
  readonly signal?: NodeJS.Signals
  /** Empty where the stream was read in another way. */
  readonly stdout: string
  readonly stderr: string
  /** Output that was discarded before anyone asked for it. 0 unless the result was awaited late. */
  readonly lostBytes: number
  /** From start to end, in milliseconds. */
  readonly ms: number
}

/** How a process with a terminal has ended. */
export interface TtyResult {
  readonly exitCode: number
  readonly signal?: NodeJS.Signals
  /** Everything on the terminal; empty where it was read in another way. */
  readonly output: string
  readonly lostBytes: number
  readonly ms: number
}

/** A process whose input and output are pipes. Awaiting it resolves on any exit code. */
export interface PipeProcess extends ProcessBase, PromiseLike<PipeResult>, AsyncIterable<Output> {
  /** Ending it is the end of file for the process; its output goes on. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/** A process on a terminal: one output, no `stderr`. Awaiting it resolves on any exit code. */
export interface TtyProcess extends ProcessBase, PromiseLike<TtyResult>, AsyncIterable<string> {
  readonly terminal: Terminal
}

/** The caller's side of a container's terminal. */
export interface Terminal {
  /** What is typed. Ending it types Ctrl-D, which is how a terminal says end of file. */
  readonly input: Writable
  readonly output: Readable
  /** Before the start it sets the size that the process finds. */
  resize(columns: number, rows: number): Promise<void>
  /**
   * Connect this process's own terminal, as `docker run -it` does: raw mode while it lasts (always undone), the size follows the window,
   * Ctrl-P Ctrl-Q detaches. Where stdio is no terminal it is piped, and the end of stdin is typed as Ctrl-D.
   *
   * @returns the exit code; 0 after detaching, when the container goes on.
   */
  attach(stdio?: NodeJS.Process): Promise<number>
}

/** How to run a command in a container. */
export interface ExecOptions extends Abortable {
  /** Give it a terminal. It changes the type of the process. @default false */
  tty?: boolean
  env?: Record<string, string>
  cwd?: string
  user?: string
  privileged?: boolean
}

/** How to run a container. Aborting it removes the container. */
export interface RunOptions extends ExecOptions {
  name?: string
  /** Remove the container when it has ended, as `docker run --rm`. @default false */
  remove?: boolean
  /** Let the container outlive this engine, as docker's containers do. @default false */
  keep?: boolean
  /** @default 'missing' */
  pull?: PullPolicy
}

/** When to pull: only where the image is not here, in any case, or not at all. */
export type PullPolicy = 'missing' | 'always' | 'never'

/** A terminal's size. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}
