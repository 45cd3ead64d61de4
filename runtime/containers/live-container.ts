import { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { ReadStream } from 'node:tty'
import type { Frame, Hijacked } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { deferred } from '../../src/util/deferred.js'
import type { LogMark, LogWriter } from './log-writer.js'
import { OutputHub } from './output-hub.js'

/** Which streams an attached caller takes part in. */
export interface AttachStreams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

/** This process's side of the standard streams of a container's process. */
export interface ProcessStreams {
  /** Absent where the container's stdin is closed. */
  readonly stdin?: Writable
  readonly outputs: readonly { readonly stream: 'stdout' | 'stderr'; readonly source: Readable }[]
  /** With a terminal: its master side. */
  readonly terminalFd?: number
}

/**
 * The part of a container that lives in this process: its standard streams and those attached to them. It exists before the
 * first start (one attaches before starting) and outlives single runs.
 */
export class LiveContainer {
  readonly tty: boolean
  readonly #stdinOnce: boolean
  readonly #hub = new OutputHub()
  #streams: ProcessStreams | undefined
  #started = deferred<ProcessStreams>()
  #stdinClosed = false
  #drained: Promise<void> = Promise.resolve()
  #log: LogWriter | undefined

  constructor(options: { readonly tty: boolean; readonly stdinOnce: boolean }) {
    this.tty = options.tty
    this.#stdinOnce = options.stdinOnce
  }

  /** The process is there: output flows from now on, and what was written to stdin before goes in. */
  begin(streams: ProcessStreams, log: LogWriter | undefined): void {
    this.#streams = streams
    this.#log = log
    this.#drained = this.#drain(streams, log)
    streams.stdin?.on('error', () => {}) // a process that ended without reading: its writers are told by `write`
    if (this.#stdinClosed && !this.tty) streams.stdin?.end()
    this.#started.resolve(streams)
  }

  /** All output of this run has been logged and handed on. */
  get drained(): Promise<void> {
    return this.#drained
  }

  /** What divides the log at this moment: who attaches in the same turn gets what is after it. Undefined where nothing is logged here. */
  markLog(): LogMark | undefined {
    return this.#log?.mark()
  }

  get terminalFd(): number | undefined {
    return this.#streams?.terminalFd
  }

  /** The container runs on, and this process no longer has to do with it: what it has read is logged. */
  async abandon(): Promise<void> {
    const drained = this.#drained
    this.finish()
    await drained
  }

  /** The run is over: attached callers see the end, and the next run begins afresh. */
  finish(): void {
    const streams = this.#streams
    this.#streams = undefined
    for (const { source } of streams?.outputs ?? []) source.destroy()
    streams?.stdin?.destroy()
    this.#hub.end()
    this.#started.reject(new EngineError('conflict', 'the container has stopped'))
    this.#started = deferred()
    this.#stdinClosed = false
  }

  attach(streams: AttachStreams): Hijacked {
    const { output, close } = this.#hub.subscribe(frame => (frame.stream === 'stderr' ? streams.stderr : streams.stdout))
    const closeWrite = async () => {
      if (!streams.stdin || !this.#stdinOnce || this.tty) return
      this.#stdinClosed = true
      const stdin = this.#streams?.stdin
      if (stdin !== undefined && !stdin.writableEnded) stdin.end()
    }
    const end = async () => {
      close()
      await closeWrite()
    }
    return {
      tty: this.tty,
      output,
      write: async chunk => {
        if (!streams.stdin) throw new EngineError('invalid_argument', 'stdin was not attached: attach with stdin to write to it')
        await this.#write(chunk)
      },
      closeWrite,
      close: end,
      [Symbol.asyncDispose]: end
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const { stdin } = this.#streams ?? (await this.#started.promise)
    if (stdin === undefined)
      throw new EngineError('conflict', 'the stdin of the container is closed: create it with OpenStdin to write to it')
    if (stdin.destroyed || stdin.writableEnded) throw new EngineError('conflict', 'the process no longer reads its stdin')
    await new Promise<void>((resolve, reject) => {
      stdin.write(chunk, error => {
        if (error) reject(new EngineError('conflict', 'the process no longer reads its stdin', { cause: error }))
        else resolve()
      })
    })
  }

  async #drain(streams: ProcessStreams, log: LogWriter | undefined): Promise<void> {
    await Promise.all(
      streams.outputs.map(async ({ stream, source }) => {
        try {
          for await (const data of source as AsyncIterable<Buffer>) {
            const frame: Frame = { stream, data }
            const logged = log?.write(frame)
            const delivered = this.#hub.publish(frame)
            if (delivered !== undefined) await delivered
            if (logged !== undefined) await logged
          }
        } catch (error) {
          // A terminal whose other side is gone reads EIO: that is its end of file. A stream that `finish` destroyed ends here too.
          const code = (error as NodeJS.ErrnoException).code
          if (code !== 'EIO' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
        }
      })
    )
    await log?.close()
  }
}

/** This process's ends of three pipes, as streams that do not keep the event loop alive. They own the descriptors. */
export function pipeStreams(fds: { readonly stdin?: number; readonly stdout: number; readonly stderr: number }): ProcessStreams {
  const outputs = [
    { stream: 'stdout', source: readEnd(fds.stdout) },
    { stream: 'stderr', source: readEnd(fds.stderr) }
  ] as const
  if (fds.stdin === undefined) return { outputs }
  const stdin = new Socket({ fd: fds.stdin, readable: false, writable: true })
  stdin.unref()
  return { stdin, outputs }
}

/** The master side of a terminal, as streams that do not keep the event loop alive. They own the descriptor. */
export function terminalStreams(masterFd: number): ProcessStreams {
  // A tty.ReadStream is a socket underneath: it writes too.
  const terminal: Duplex = new ReadStream(masterFd)
  ;(terminal as ReadStream).unref()
  return { stdin: terminal, outputs: [{ stream: 'stdout', source: terminal }], terminalFd: masterFd }
}

function readEnd(fd: number): Readable {
  const socket = new Socket({ fd, readable: true, writable: false })
  socket.unref()
  return socket
}
