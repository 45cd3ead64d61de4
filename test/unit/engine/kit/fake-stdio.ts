import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'

/** A program's standard streams on a terminal of 80 by 24. */
export class FakeStdio {
  readonly process: NodeJS.Process
  isRaw = false
  readonly #stdin: PassThrough
  readonly #stdout: PassThrough & { columns?: number; rows?: number }
  readonly #process = new EventEmitter()
  #printed = ''

  constructor() {
    const setRawMode = (raw: boolean): void => {
      this.isRaw = raw
    }
    this.#stdin = Object.assign(new PassThrough(), { isTTY: true, isRaw: false, setRawMode })
    this.#stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 })
    this.#stdout.on('data', chunk => {
      this.#printed += chunk
    })
    this.process = Object.assign(this.#process, { stdin: this.#stdin, stdout: this.#stdout }) as unknown as NodeJS.Process
  }

  type(keys: string): void {
    this.#stdin.write(keys)
  }

  resize(columns: number, rows: number): void {
    Object.assign(this.#stdout, { columns, rows })
    this.#stdout.emit('resize')
  }

  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#printed)) await turn()
  }

  /** Listeners that are left on the streams and on the process. */
  listeners(): number {
    return this.#process.listenerCount('exit') + this.#stdout.listenerCount('resize') + this.#stdin.listenerCount('data')
  }
}
