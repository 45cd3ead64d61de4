import type { TarEntry } from './tar-entry.js'
import { TarReader } from './tar-reader.js'

/** An entry of an archive that is being read. */
export interface StreamedEntry {
  readonly entry: TarEntry
  /** The bytes of a file, in pieces that are valid until the next one is asked for. What is not read is skipped. */
  readonly data: AsyncIterable<Uint8Array>
}

type Part = { readonly entry: TarEntry } | { readonly bytes: Uint8Array } | 'end'

/** What may follow an archive's end marker and is still read, so that who sends it is not cut off in its padding. */
const trailingBytes = 1024 * 1024

/**
 * The entries of a plain archive, one after the other as they arrive: for archives whose entries are few and large. A file with
 * holes comes without them, and its data is no use; layers are unpacked by `LayerWriter`.
 *
 * @param source its pieces may use their memory again when the next one is asked for
 * @throws EngineError `data_loss` for an archive that is truncated or malformed, and what the source throws
 */
export async function* tarEntries(source: AsyncIterable<Buffer>): AsyncGenerator<StreamedEntry, void, undefined> {
  const parts = readParts(source)
  try {
    for (let next = await parts.next(); !next.done; next = await parts.next()) {
      const part = next.value
      if (part === 'end' || 'bytes' in part) continue
      const data = new EntryData(parts)
      yield { entry: part.entry, data }
      // What the consumer left is skipped, and nothing of the next entry with it.
      for await (const _ of data);
      // The consumer may have kept it to itself.
      if (data.failure !== undefined) throw data.failure.error
    }
  } finally {
    await parts.return()
  }
}

/** Iterated by hand: a loop that is left early would end the archive with the entry. */
class EntryData implements AsyncIterable<Uint8Array> {
  readonly #parts: AsyncGenerator<Part, void, undefined>
  #isOver = false
  failure: { readonly error: unknown } | undefined

  constructor(parts: AsyncGenerator<Part, void, undefined>) {
    this.#parts = parts
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return { next: () => this.#next() }
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isOver) return { done: true, value: undefined }
    try {
      const { done, value } = await this.#parts.next()
      if (!done && value !== 'end' && 'bytes' in value) return { done: false, value: value.bytes }
      this.#isOver = true
      return { done: true, value: undefined }
    } catch (error) {
      this.#isOver = true
      this.failure = { error }
      throw error
    }
  }
}

async function* readParts(source: AsyncIterable<Buffer>): AsyncGenerator<Part, void, undefined> {
  const parts: Part[] = []
  const reader = new TarReader({
    entry: entry => parts.push({ entry }),
    data: bytes => parts.push({ bytes }),
    end: () => parts.push('end')
  })
  let trailing = 0
  for await (const chunk of source) {
    if (reader.isEnded) {
      trailing += chunk.length
      if (trailing > trailingBytes) return
    }
    reader.push(chunk)
    yield* parts
    parts.length = 0
  }
  reader.finish()
}
