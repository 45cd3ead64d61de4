/** At most so many at a time, in the order in which they asked. */
export class Semaphore {
  #places: number
  #taken = 0
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#places = places
  }

  /** From now on. Who has a place keeps it. */
  set places(places: number) {
    this.#places = places
    while (!this.isFull && this.#waiting.length > 0) this.#waiting.shift()?.()
  }

  /** Whether who asks now has to wait. */
  get isFull(): boolean {
    return this.#taken >= this.#places
  }

  /** @returns what gives the place back; call it once. @throws the signal's reason when it fires first */
  acquire(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const enter = () => {
        this.#taken++
        signal.removeEventListener('abort', leave)
        resolve(() => this.#release())
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(signal.reason)
      }
      if (!this.isFull) return enter()
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(enter)
    })
  }

  #release(): void {
    this.#taken--
    if (!this.isFull) this.#waiting.shift()?.()
  }
}
