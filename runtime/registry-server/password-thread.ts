import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { EngineError } from '../../src/errors/index.js'

/** All that the thread does: so short that it is no file of its own, which every build would have to bring along. */
const program = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { compareSync } = require(workerData.library)
  parentPort.on('message', ({ id, password, hash }) => parentPort.postMessage({ id, isRight: compareSync(password, hash) }))
`

interface Waiting {
  resolve(isRight: boolean): void
  reject(error: unknown): void
}

/**
 * Checks passwords against bcrypt hashes in a thread of its own, one after the other: a check is a tenth of a second of work, and doubles with each
 * step of its hash's cost, in which nobody would be answered. The thread is there as long as somebody waits for it.
 */
export class PasswordThread {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #last = 0

  /** How many wait. */
  get length(): number {
    return this.#waiting.size
  }

  /** @throws EngineError `internal` where the thread does not work */
  check(password: string, hash: string): Promise<boolean> {
    this.#worker ??= this.#start()
    const worker = this.#worker
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      worker.postMessage({ id, password, hash })
    })
  }

  #start(): Worker {
    const library = createRequire(import.meta.url).resolve('bcryptjs')
    const worker = new Worker(program, { eval: true, name: 'gantry-passwords', execArgv: [], workerData: { library } })
    worker.on('message', ({ id, isRight }: { readonly id: number; readonly isRight: boolean }) => {
      this.#waiting.get(id)?.resolve(isRight)
      this.#waiting.delete(id)
      if (this.#waiting.size > 0) return
      this.#worker = undefined
      void worker.terminate()
    })
    worker.once('error', cause => {
      this.#worker = undefined
      const failure = new EngineError(
        'internal',
        `passwords cannot be checked: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause }
      )
      for (const { reject } of this.#waiting.values()) reject(failure)
      this.#waiting.clear()
    })
    return worker
  }
}
