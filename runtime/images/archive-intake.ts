import { EngineError } from '../../src/errors/index.js'
import { deferred } from '../../src/util/deferred.js'
import { abortable } from '../content/abortable.js'
import { compressionOf } from '../layers/compression.js'
import { decompress } from '../layers/decompress.js'
import { type StreamedEntry, tarEntries } from '../layers/tar-entries.js'
import { isZeroBlock, parseTarHeader } from '../layers/tar-header.js'
import { isDigest } from '../registry/digest.js'
import { ArchivePaths } from './archive-paths.js'
import type { LoadProgress } from './image-service.js'
import type { LayerParts } from './pull-layer.js'
import { type TakenLayer, takeLayer } from './take-layer.js'

/** What a file of an archive of images turned out to be. */
export type ArchivePiece =
  | { readonly kind: 'document'; readonly bytes: Uint8Array }
  | { readonly kind: 'layer'; readonly layer: TakenLayer }
  /** A blob that the store has already: the archive's copy was not read. */
  | { readonly kind: 'stored'; readonly digest: string; readonly sizeBytes: number }
  /** It cannot be used; that only matters to who needs it. */
  | { readonly kind: 'unusable'; readonly error: unknown }

export interface IntakeOptions {
  readonly signal: AbortSignal
  /** Told while a layer arrives; `id` is the digits of its name. */
  readonly onProgress?: (progress: LoadProgress) => void
}

/** The longest manifest or configuration that is read; the largest in the wild are some 100 KiB. */
const documentLimitBytes = 8 * 1024 * 1024
const documentsLimitBytes = 64 * 1024 * 1024
const headBytes = 512
/** Layers whose last bytes have come and that are still being written to the disk. */
const tails = 2

/**
 * Reads an archive of images once, from front to back, whatever the order of its entries: small documents stay in memory, layers are stored
 * and unpacked as they come, without knowing yet to which image they belong. Nothing is visible before somebody takes a layer's blob and
 * place from here and commits them; `close` throws the rest away. Nothing is ever written under a name that the archive chooses.
 */
export class ArchiveIntake {
  readonly #parts: LayerParts
  readonly #options: IntakeOptions
  readonly #paths = new ArchivePaths()
  readonly #pieces = new Map<string, ArchivePiece | Promise<ArchivePiece>>()
  readonly #layers = new Set<Promise<ArchivePiece>>()
  #documentBytes = 0

  constructor(parts: LayerParts, options: IntakeOptions) {
    this.#parts = parts
    this.#options = options
  }

  /**
   * @param source an archive: plain, gzip or zstd
   * @throws EngineError `data_loss` where it is malformed or tries to escape, `resource_exhausted`; the signal's reason on abort
   */
  async read(source: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const { entry, data } of tarEntries(decompress(buffers(abortable(source, this.#options.signal)), { mediaType: '' }))) {
      this.#options.signal.throwIfAborted()
      const path = this.#paths.add(entry)
      if (entry.type === 'file') await this.#file(path, { entry, data })
    }
    for (const [path, piece] of this.#pieces) this.#pieces.set(path, await piece)
    this.#options.signal.throwIfAborted()
  }

  /** The file under a name, links followed. @throws EngineError `data_loss` for a name or a link that leaves the archive */
  piece(name: string): ArchivePiece | undefined {
    const piece = this.#pieces.get(this.#paths.resolve(name))
    return piece instanceof Promise ? undefined : piece
  }

  blob(digest: string): ArchivePiece | undefined {
    return this.piece(`blobs/${digest.replace(':', '/')}`)
  }

  /** A document that has to be there. @throws EngineError `data_loss` */
  document(name: string): Uint8Array {
    const piece = this.piece(name)
    if (piece?.kind === 'document') return piece.bytes
    if (piece?.kind === 'unusable') throw piece.error
    throw new EngineError(
      'data_loss',
      `the archive ${piece === undefined ? 'lacks' : 'has a layer in place of'} ${name}: it is incomplete`,
      {
        details: { entry: name }
      }
    )
  }

  /** Throw away what nobody committed. Idempotent. */
  async close(): Promise<void> {
    for (const pending of this.#layers) {
      const piece = await pending
      if (piece.kind !== 'layer') continue
      await piece.layer.blob.abort()
      await piece.layer.place.abort()
    }
    this.#layers.clear()
  }

  async #file(path: string, { entry, data }: StreamedEntry): Promise<void> {
    if (entry.sparse) {
      const error = malformed(path, 'is stored with holes, which no archive of images is')
      this.#pieces.set(path, { kind: 'unusable', error })
      return
    }
    const expected = digestOfName(path)
    const known = expected === undefined ? undefined : await this.#parts.content.sizeOf(expected)
    const pieces = data[Symbol.asyncIterator]()
    const head = await readHead(pieces)
    if (looksLikeLayer(head)) {
      if (expected !== undefined && known === entry.sizeBytes) {
        this.#pieces.set(path, { kind: 'stored', digest: expected, sizeBytes: known })
        return
      }
      await this.#layer(path, { entry, head, pieces, expected })
    } else if (entry.sizeBytes > documentLimitBytes) {
      const error = malformed(path, `has ${entry.sizeBytes} bytes and is no layer; documents of up to ${documentLimitBytes} bytes are read`)
      this.#pieces.set(path, { kind: 'unusable', error })
    } else {
      this.#documentBytes += entry.sizeBytes
      if (this.#documentBytes > documentsLimitBytes) {
        throw malformed(path, `and the documents before it have more than ${documentsLimitBytes} bytes: this is no archive of images`)
      }
      this.#pieces.set(path, { kind: 'document', bytes: await readAll(head, pieces, entry.sizeBytes) })
    }
  }

  /** Returns when the layer's bytes have come: it is brought to its end while the next one arrives. */
  async #layer(
    path: string,
    file: Pick<StreamedEntry, 'entry'> & {
      readonly head: Buffer
      readonly pieces: AsyncIterator<Uint8Array>
      readonly expected: string | undefined
    }
  ): Promise<void> {
    const { entry, head, pieces, expected } = file
    const read = deferred<void>()
    const source = this.#counted(path, entry.sizeBytes, { head, pieces, onEnd: read.resolve })
    const options = { first: head, name: path, signal: this.#options.signal, ...(expected !== undefined && { expected }) }
    const taken: Promise<ArchivePiece> = takeLayer(source, options, this.#parts).then(
      layer => ({ kind: 'layer', layer }),
      (error: unknown) => ({ kind: 'unusable', error })
    )
    this.#layers.add(taken)
    this.#pieces.set(path, taken)
    const settled = await Promise.race([taken, read.promise])
    // A full disk does not get better; another entry's damage may concern nobody.
    if (settled?.kind === 'unusable' && !(EngineError.is(settled.error) && settled.error.code === 'data_loss')) throw settled.error
    const begun = [...this.#layers]
    await begun.at(-tails - 1)
  }

  async *#counted(
    path: string,
    totalBytes: number,
    { head, pieces, onEnd }: { readonly head: Buffer; readonly pieces: AsyncIterator<Uint8Array>; readonly onEnd: () => void }
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const id = shortName(path)
    let currentBytes = 0
    try {
      for await (const piece of joined(head, pieces)) {
        currentBytes += piece.byteLength
        this.#options.onProgress?.({ id, currentBytes, totalBytes })
        yield piece
      }
    } finally {
      onEnd()
    }
  }
}

/** Twelve digits of the digest or of the id that Docker's older archives have in its place. */
function shortName(path: string): string {
  return (/[0-9a-f]{64}/.exec(path)?.[0] ?? path).slice(0, 12)
}

function digestOfName(path: string): string | undefined {
  const match = /^blobs\/(\w+)\/([0-9a-f]+)$/.exec(path)
  const digest = match === null ? '' : `${match[1]}:${match[2]}`
  return isDigest(digest) ? digest : undefined
}

/** As much as is needed to tell what it is; a copy, because the pieces go. */
async function readHead(pieces: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  while (length < headBytes) {
    const { done, value } = await pieces.next()
    if (done) break
    parts.push(Buffer.from(value))
    length += value.byteLength
  }
  return Buffer.concat(parts)
}

/** Compressed, or a tar archive: one that is empty begins with zeros. */
function looksLikeLayer(head: Buffer): boolean {
  if (compressionOf(head, '') !== 'none') return true
  if (head.length < headBytes) return false
  const block = head.subarray(0, headBytes)
  if (isZeroBlock(block)) return true
  try {
    parseTarHeader(block)
    return true
  } catch {
    return false
  }
}

async function readAll(head: Buffer, pieces: AsyncIterator<Uint8Array>, size: number): Promise<Uint8Array> {
  const all = Buffer.alloc(size)
  let at = 0
  for await (const piece of joined(head, pieces)) {
    all.set(piece, at)
    at += piece.byteLength
  }
  return all
}

async function* joined(head: Buffer, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  if (head.length > 0) yield head
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
}

async function* buffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function malformed(path: string, what: string): EngineError {
  return new EngineError('data_loss', `cannot load the archive: ${path} ${what}`, { details: { entry: path } })
}
