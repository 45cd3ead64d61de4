import type { Hijacked } from '../../src/api/index.js'
import { rewired } from './rewired.js'

/** Docker's keys to leave a terminal without ending it: Ctrl-P, Ctrl-Q. */
export const defaultDetachKeys: Uint8Array = Uint8Array.of(0x10, 0x11)

const controlNames: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 }

/**
 * The bytes of Docker's notation for keys: single characters, or `ctrl-` and a letter or one of `@[\]^_`, with commas between them. Undefined
 * where it is none.
 */
export function parseDetachKeys(text: string): Uint8Array | undefined {
  const codes = text.split(',').map(key => {
    if (key.length === 1) return key.charCodeAt(0)
    const name = key.startsWith('ctrl-') ? key.slice('ctrl-'.length) : ''
    return /^[a-z]$/.test(name) ? name.charCodeAt(0) - 'a'.charCodeAt(0) + 1 : controlNames[name]
  })
  const known = codes.filter(code => code !== undefined)
  return known.length === codes.length ? Uint8Array.from(known) : undefined
}

/** The connection to a terminal, which the keys leave: the process goes on. `left` is called before the connection ends. */
export function detachable(connection: Hijacked, keys: Uint8Array, left: () => void): Hijacked {
  const filter = new DetachFilter(keys)
  return rewired(connection, {
    write: async typed => {
      const { pass, detached } = filter.push(typed)
      if (pass.length > 0) await connection.write(pass)
      if (!detached) return
      left()
      await connection.close()
    }
  })
}

/** Looks for the keys in what is typed. The beginning of the sequence is held back until the next key shows what it was. */
export class DetachFilter {
  readonly #keys: Uint8Array
  #held = 0

  constructor(keys: Uint8Array) {
    this.#keys = keys
  }

  /** What to pass on, and whether the keys were typed; what comes after them is dropped. */
  push(typed: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    const [first = 0] = this.#keys
    if (this.#held === 0 && !typed.includes(first)) return { pass: typed, detached: false }
    const pass: number[] = []
    for (const key of typed) {
      if (key === this.#keys[this.#held]) {
        this.#held++
        if (this.#held === this.#keys.length) return { pass: Uint8Array.from(pass), detached: true }
        continue
      }
      pass.push(...this.#keys.subarray(0, this.#held))
      this.#held = key === this.#keys[0] ? 1 : 0
      if (this.#held === 0) pass.push(key)
    }
    return { pass: Uint8Array.from(pass), detached: false }
  }
}
