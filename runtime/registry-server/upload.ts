import { createHash, type Hash } from 'node:crypto'
import { constants, type FileHandle, link, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { abortable } from '../content/abortable.js'
import { ChunkWriter } from '../content/chunk-writer.js'
import { type Digest, digestParts } from '../registry/digest.js'
import { ifThere, isMissing } from './durable-file.js'
import { EarlySync } from './early-sync.js'
import { Refusal } from './refusal.js'
import { unknownUpload } from './route.js'

/** What is known of an upload besides its bytes. */
export interface UploadRecord {
  readonly repository: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

interface AppendOptions {
  readonly first?: number
  readonly onWritten?: (sizeBytes: number) => void
  readonly signal: AbortSignal
}

/** What nearly every digest is made with: hashed while it comes. Another algorithm is known at the end only. */
const expectedAlgorithm = 'sha256'

/**
 * A blob on its way in: a folder with the bytes that came (`data`) and a record (`upload.json`). What is on the disk is a beginning of the blob
 * at any instant, so an upload goes on where it stopped, after a restart too.
 */
export class Upload {
  readonly id: string
  readonly #folder: string
  /** Undefined when what is on the disk and what was hashed are not the same any more: then the file is read again at the end. */
  #hash: Hash | undefined
  #hashedBytes = 0
  /** One request after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(id: string, folder: string) {
    this.id = id
    this.#folder = folder
  }

  get dataPath(): string {
    return join(this.#folder, 'data')
  }

  /** Where another file with the same bytes may be linked to. */
  get linkPath(): string {
    return join(this.#folder, 'linked')
  }

  /** @throws Refusal `BLOB_UPLOAD_UNKNOWN` */
  async record(): Promise<UploadRecord> {
    const text = await ifThere(readFile(join(this.#folder, 'upload.json'), 'utf8'), undefined)
    // Empty after a power failure. Else written by whoever began the upload.
    if (text !== undefined && text !== '') return JSON.parse(text) as UploadRecord
    throw unknownUpload(this.id)
  }

  /** Bytes that are on the disk. @throws Refusal `BLOB_UPLOAD_UNKNOWN` */
  async sizeBytes(): Promise<number> {
    const found = await ifThere(stat(this.dataPath), undefined)
    if (found === undefined) throw unknownUpload(this.id)
    return found.size
  }

  /** Do something with the upload while nobody else does. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn
    let release = (): void => {}
    this.#turn = new Promise<void>(resolve => {
      release = resolve
    })
    try {
      await before
      return await work()
    } finally {
      release()
    }
  }

  /**
   * Add what a request brings. What came before it broke off stays, to be resumed.
   *
   * @param options.first - where the piece belongs; absent: at the end
   * @param options.onWritten - told how many bytes are on the disk
   * @returns the size then
   * @throws Refusal `RANGE_INVALID` for a piece that belongs elsewhere; what `source` throws
   */
  async append(source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<number> {
    const file = await openData(this.dataPath, this.id)
    try {
      const before = (await file.stat()).size
      if (options.first !== undefined && options.first !== before) throw wrongPlace(options.first, before)
      if (before === 0) this.#beginHash()
      await this.#write(file, source, { ...options, before })
      return (await file.stat()).size
    } finally {
      await file.close()
    }
  }

  /**
   * The digest of what a request brings, without storing it.
   *
   * @returns what it hashes to, by the algorithm of `expected`; the signal's reason is thrown on abort
   */
  async hashOnly(source: AsyncIterable<Uint8Array>, options: { readonly expected: Digest; readonly signal: AbortSignal }): Promise<string> {
    const { algorithm } = digestParts(options.expected)
    const hash = createHash(algorithm)
    for await (const chunk of abortable(source, options.signal)) hash.update(chunk)
    return `${algorithm}:${hash.digest('hex')}`
  }

  /** The digest of what is there, made with the algorithm of the one that is expected. */
  async digest(expected: Digest): Promise<string> {
    const { algorithm } = digestParts(expected)
    const size = await this.sizeBytes()
    if (algorithm === expectedAlgorithm && this.#hash !== undefined && this.#hashedBytes === size) {
      return `${algorithm}:${this.#hash.copy().digest('hex')}`
    }
    return `${algorithm}:${await hashFile(this.dataPath, algorithm)}`
  }

  /** Have a file of the same file system at {@link linkPath} as well. @returns false where it is not there, or on another one */
  async link(file: string): Promise<boolean> {
    return link(file, this.linkPath).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'EEXIST'
    )
  }

  /** Idempotent. */
  async remove(): Promise<void> {
    this.#hash = undefined
    await rm(this.#folder, { recursive: true, force: true })
  }

  #beginHash(): void {
    this.#hash = createHash(expectedAlgorithm)
    this.#hashedBytes = 0
  }

  async #write(file: FileHandle, source: AsyncIterable<Uint8Array>, options: AppendOptions & { readonly before: number }): Promise<void> {
    const { signal, onWritten, before } = options
    const writer = new ChunkWriter(file)
    const sync = new EarlySync(file)
    const hashedBefore = this.#hashedBytes
    let told = 0
    try {
      for await (const chunk of abortable(source, signal)) {
        this.#hash?.update(chunk)
        this.#hashedBytes += chunk.byteLength
        await writer.write(chunk)
        if (writer.writtenBytes > told) {
          told = writer.writtenBytes
          sync.advance(told)
          onWritten?.(before + told)
        }
      }
    } finally {
      await writer.flush().finally(() => {
        // A full disk: some of what was hashed is not there.
        if (writer.writtenBytes !== this.#hashedBytes - hashedBefore) this.#hash = undefined
      })
      await sync.settled()
    }
  }
}

async function openData(path: string, id: string): Promise<FileHandle> {
  try {
    // Not made here: an upload that is over stays over.
    return await open(path, constants.O_WRONLY | constants.O_APPEND)
  } catch (error) {
    throw isMissing(error) ? unknownUpload(id) : error
  }
}

function wrongPlace(first: number, size: number): Refusal {
  return new Refusal('RANGE_INVALID', `the piece begins at ${first}, and ${size} bytes are here: go on there`, {
    headers: { range: rangeText(size) }
  })
}

/** How the specification says how far an upload has come: both ends included, so that nothing and one byte look alike. */
export function rangeText(sizeBytes: number): string {
  return `0-${Math.max(0, sizeBytes - 1)}`
}

async function hashFile(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm)
  const file = await open(path, 'r')
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
