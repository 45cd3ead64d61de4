import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'

/** ISA-L's inflate for one deflate stream after the other, each without its gzip header but with its trailer, which is checked. */
export interface IsalInflate {
  /** Begin a stream. */
  reset(): void
  /**
   * Inflate as far as input and room go, on libuv's pool. Both buffers are the library's until it resolves.
   *
   * @returns how much of each was used, and whether the stream and its trailer are at their end
   * @throws Error what is wrong with the data
   */
  run(input: Uint8Array, output: Uint8Array): Promise<{ readonly read: number; readonly written: number; readonly isAtEnd: boolean }>
}

/**
 * The parts of `struct inflate_state` that are used here: igzip_lib.h of ISA-L 2.30, as gcc lays it out on 64-bit Linux. The struct is the same
 * from 2.19 to 2.31 up to `crc_flag`; what a library really does with it is tried before it is trusted.
 */
const offsets = { nextOut: 0, availOut: 8, nextIn: 16, availIn: 32, blockState: 21_160, crcFlag: 21_172 } as const

/** The struct takes 87,368 bytes in 2.30; the rest is for later ones. */
const stateBytes = 256 * 1024

/** ISAL_GZIP_NO_HDR_VER: no header, the trailer's checksum and length are verified. */
const gzipTrailerVerified = 6

/** ISAL_BLOCK_FINISH: all output is out, and the trailer was right. */
const blockFinish = 5

const problems: Readonly<Record<number, string>> = {
  '-1': 'invalid block',
  '-2': 'invalid symbol',
  '-3': 'invalid distance, too far back',
  '-4': 'incorrect header',
  '-5': 'unknown compression method',
  '-6': 'incorrect checksum or length'
}

interface Library {
  readonly init: (state: Uint8Array) => void
  readonly inflate: {
    (state: Uint8Array): number
    async(state: Uint8Array, done: (error: Error | null, result: number) => void): void
  }
  readonly addressOf: (bytes: Uint8Array) => bigint
}

let opened: { readonly library: Library | undefined } | undefined

/** ISA-L (Debian's `libisal2`), where this machine has it and it inflates what zlib deflated. Undefined where it does not. */
export function openIsal(): IsalInflate | undefined {
  opened ??= { library: load() }
  return opened.library && inflater(opened.library)
}

function load(): Library | undefined {
  try {
    // Synchronous, because it is first needed in the middle of a layer; most threads never need it.
    const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi')
    if (koffi.sizeof('void *') !== 8 || new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) return undefined
    const isal = koffi.load('libisal.so.2')
    const library: Library = {
      init: isal.func('isal_inflate_init', 'void', ['void *']),
      inflate: isal.func('isal_inflate', 'int', ['void *']),
      addressOf: bytes => koffi.address(bytes)
    }
    return isTrustworthy(library) ? library : undefined
  } catch {
    return undefined
  }
}

function inflater(library: Library): IsalInflate {
  const state = new State(library)
  return {
    reset: () => state.reset(),
    run: (input, output) =>
      new Promise((resolve, reject) => {
        state.aim(input, output)
        library.inflate.async(state.bytes, (error, result) => {
          // Named here so that neither buffer is freed while the library writes to it.
          const used = state.used(input, output)
          if (error !== null) reject(error)
          else if (result < 0) reject(new Error(problems[result] ?? `error ${result}`))
          else resolve(used)
        })
      })
  }
}

class State {
  readonly bytes = new Uint8Array(stateBytes)
  readonly #library: Library
  readonly #view = new DataView(this.bytes.buffer)

  constructor(library: Library) {
    this.#library = library
    this.reset()
  }

  reset(): void {
    this.#library.init(this.bytes)
    this.#view.setUint32(offsets.crcFlag, gzipTrailerVerified, true)
  }

  aim(input: Uint8Array, output: Uint8Array): void {
    this.#view.setBigUint64(offsets.nextIn, this.#library.addressOf(input), true)
    this.#view.setUint32(offsets.availIn, input.byteLength, true)
    this.#view.setBigUint64(offsets.nextOut, this.#library.addressOf(output), true)
    this.#view.setUint32(offsets.availOut, output.byteLength, true)
  }

  used(input: Uint8Array, output: Uint8Array) {
    return {
      read: input.byteLength - this.#view.getUint32(offsets.availIn, true),
      written: output.byteLength - this.#view.getUint32(offsets.availOut, true),
      isAtEnd: this.#view.getUint32(offsets.blockState, true) === blockFinish
    }
  }
}

/** Whether a library lays its struct out as we think: it inflates a sample in two parts, and refuses a wrong checksum. */
function isTrustworthy(library: Library): boolean {
  const sample = Buffer.from(Array.from({ length: 5000 }, (_, index) => `${index * index} `).join(''))
  // 10 bytes of header: gzipSync writes neither a name nor a comment.
  const body = gzipSync(sample).subarray(10)
  const attempt = (input: Uint8Array): boolean => {
    const state = new State(library)
    const output = Buffer.alloc(sample.length + 1)
    let read = 0
    let written = 0
    for (const end of [input.length >> 1, input.length]) {
      const [part, room] = [input.subarray(read, end), output.subarray(written)]
      state.aim(part, room)
      if (library.inflate(state.bytes) < 0) return false
      const used = state.used(part, room)
      if (used.isAtEnd !== (end === input.length)) return false
      read += used.read
      written += used.written
    }
    return read === input.length && written === sample.length && output.subarray(0, written).equals(sample)
  }
  const damaged = Buffer.from(body)
  damaged[damaged.length - 7] = (damaged[damaged.length - 7] ?? 0) ^ 1
  return attempt(body) && !attempt(damaged)
}
