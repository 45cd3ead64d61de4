import { closeSync, readFileSync, statSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { HostProcess } from '../host/host.js'

/** How a guarded run ended. */
export interface GuardedExit {
  /** Null where nobody wrote it down: the guard was killed. */
  readonly code: number | null
  readonly at: Date
}

/** An engine's end of the two pipes to a guard: it hears of the end on one, and says on the other that it has read everything. */
export class GuardLine {
  /** Never rejects; never resolves once it was let go of. */
  readonly ended: Promise<GuardedExit>
  readonly #release: number
  readonly #readers: readonly number[]
  readonly #note: Socket
  #released = false
  #letGo = false

  /** @param options.release - its write end; `readers`, what a holder is given that may be started later */
  constructor(options: { readonly release: number; readonly note: number; readonly folder: string; readonly readers?: readonly number[] }) {
    this.#release = options.release
    this.#readers = options.readers ?? []
    this.#note = new Socket({ fd: options.note, readable: true, writable: false })
    this.#note.on('error', () => {})
    this.#note.unref()
    this.ended = new Promise(resolve => {
      this.#note.on('close', () => {
        if (!this.#letGo) resolve(readExit(options.folder))
      })
    })
    this.#note.resume()
  }

  /** What an OCI runtime in the foreground is to others. */
  asProcess(pid: number): HostProcess {
    const exited = this.ended.then(({ code }) => ({ code, signal: code === null ? ('SIGKILL' as const) : null }))
    return { pid, exited, ref: () => this.#note.ref(), unref: () => this.#note.unref() }
  }

  /** Everything has been read: the guard, and who holds a terminal for it, may go. Idempotent. */
  release(): void {
    if (this.#released) return
    this.#released = true
    try {
      writeSync(this.#release, 'ok\nok\n')
    } catch {
      // It was killed.
    }
    this.#close()
  }

  /** Somebody else goes on with it, or nobody: the container runs on. */
  letGo(): void {
    if (this.#released) return
    this.#released = true
    this.#letGo = true
    this.#note.destroy()
    this.#close()
  }

  #close(): void {
    closeSync(this.#release)
    for (const fd of this.#readers) closeSync(fd)
  }
}

/** What a guard wrote down. */
export function readExit(folder: string): GuardedExit {
  try {
    const path = join(folder, 'exit')
    const code = Number.parseInt(readFileSync(path, 'latin1'), 10)
    if (Number.isInteger(code)) return { code, at: statSync(path).mtime }
  } catch {
    // Nothing was written.
  }
  return { code: null, at: new Date() }
}
