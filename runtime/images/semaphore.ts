/** At most so many at a time, in the order in which they asked. */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  /** Whether who asks now has to wait. */
  get isFull(): boolean {
    return this.#free === 0
  }

  /** @returns what gives the place back; call it once. @throws the signal's reason when it fires first */
  acquire(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const enter = () => {
        signal.removeEventListener('abort', leave)
        resolve(() => this.#release())
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(signal.reason)
      }
      if (this.#free > 0) {
        this.#free--
        return enter()
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(enter)
    })
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
