/** Docker's keys to leave a terminal without ending it: Ctrl-P, Ctrl-Q. */
const first = 0x10
const second = 0x11

/** Looks for the detach keys in what is typed. A Ctrl-P is held back until the next key shows what it was. */
export class DetachKeys {
  #held = false

  /** What to pass on, and whether the keys were typed; what comes after them is dropped. */
  push(typed: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    const pass: number[] = []
    for (const key of typed) {
      if (this.#held && key === second) return { pass: Uint8Array.from(pass), detached: true }
      if (this.#held) pass.push(first)
      this.#held = key === first
      if (!this.#held) pass.push(key)
    }
    return { pass: Uint8Array.from(pass), detached: false }
  }
}
