import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { Digest } from './digest.js'
import type { ExchangeBody } from './exchange.js'
import { type RetryPolicy, waitToRetry } from './retry.js'
import { Upload, type UploadPorts } from './upload.js'

/** Bytes to upload. */
export interface UploadSource {
  /** Absent where it shows only at the end. */
  readonly size?: number
  /** Absent where it shows only at the end: then {@link finished} tells it. */
  readonly digest?: Digest
  /** From a byte on. May be called again: an upload that was cut goes on where it was. Each piece is the receiver's to keep. */
  open(offset: number): AsyncIterable<Uint8Array>
  /** The digest of all of it, once a stream that was opened has come to its end. */
  finished?(): Digest
}

export interface PushBlobPorts extends UploadPorts {
  has(digest: Digest): Promise<boolean>
  readonly policy: RetryPolicy
  readonly signal: AbortSignal
  /** Paths of repositories of the same registry that may have the blob. */
  readonly mountFrom: readonly string[]
  /** Bytes that were sent so far; fewer than before where an upload had to go back. */
  readonly onProgress: (sentBytes: number) => void
}

/** What became of a blob. */
export type BlobPushed = { readonly how: 'present' | 'uploaded' } | { readonly how: 'mounted'; readonly from: string }

/** A piece, where a registry takes no whole blob: small enough for what stands before registries, and to be kept in memory. */
const chunkBytes = 8 * 1024 * 1024
/** How long an upload that is given up may take to be called off. */
const cancelMs = 1_000

/**
 * Bring a blob into a repository: not at all where it is there, from another repository where one has it, else by an upload. What was cut is
 * resumed where the registry says it was; a registry that takes no such long request gets it in pieces.
 */
export async function pushBlob(ports: PushBlobPorts, source: UploadSource): Promise<BlobPushed> {
  const { digest } = source
  if (digest !== undefined && (await ports.has(digest))) return { how: 'present' }
  const transfer = new Transfer(ports, source)
  for (const from of digest === undefined ? [] : ports.mountFrom) {
    if (digest !== undefined && (await transfer.mount({ digest, from }))) return { how: 'mounted', from }
  }
  await transfer.run()
  return { how: 'uploaded' }
}

class Transfer {
  readonly #ports: PushBlobPorts
  readonly #source: UploadSource
  #upload: Upload | undefined
  /** Bytes that the registry has. */
  #offset = 0
  #inChunks = false
  #restarts = 0
  /** An upload was lost, and nobody knows how far it had come. */
  #isUncertain = false

  constructor(ports: PushBlobPorts, source: UploadSource) {
    this.#ports = ports
    this.#source = source
  }

  /** Where the registry would rather have it uploaded, the upload that it began is used. */
  async mount(request: { readonly digest: Digest; readonly from: string }): Promise<boolean> {
    await this.#giveUp()
    try {
      this.#upload = await Upload.begin(this.#ports, request)
      return this.#upload === undefined
    } catch (error) {
      // That repository may be another's; or this registry knows no mounts. An upload tells what is really wrong.
      if (this.#ports.signal.aborted || !EngineError.is(error)) throw error
      return false
    }
  }

  async run(): Promise<void> {
    const { signal } = this.#ports
    try {
      for (let failures = 1; ; failures++) {
        const before = this.#offset
        try {
          return await this.#send()
        } catch (error) {
          if (signal.aborted) throw signal.reason
          if (this.#offset > before) failures = 1
          if (!(await this.#recover(error, failures))) throw error
        }
        if (this.#offset > before) failures = 0
        // Not once did it get through: what stands before the registry may end long requests.
        else if (failures >= 2) this.#inChunks = true
        if (await this.#hasArrived()) return
      }
    } catch (error) {
      await this.#giveUp()
      throw error
    }
  }

  async #send(): Promise<void> {
    if (this.#upload === undefined) {
      this.#upload = await Upload.begin(this.#ports)
      this.#offset = 0
    }
    const upload = this.#upload
    const { digest, size } = this.#source
    if (upload === undefined) throw new EngineError('internal', 'a registry mounted what nobody asked it to')
    if (this.#inChunks) await this.#sendChunks(upload)
    else if (this.#offset === 0 && digest !== undefined && size !== undefined) return upload.finish(digest, this.#rest())
    else if (size === undefined || this.#offset < size) await upload.add(this.#rest(), size === undefined ? undefined : this.#offset)
    await upload.finish(this.#digest())
  }

  async #sendChunks(upload: Upload): Promise<void> {
    for await (const chunk of chunksOf(this.#source.open(this.#offset), Math.max(chunkBytes, upload.chunkMinimumBytes))) {
      await upload.add({ sizeBytes: chunk.byteLength, open: () => once(chunk) }, this.#offset)
      this.#offset += chunk.byteLength
      this.#ports.onProgress(this.#offset)
    }
  }

  #rest(): ExchangeBody {
    const { size } = this.#source
    const offset = this.#offset
    return { ...(size !== undefined && { sizeBytes: size - offset }), open: () => this.#counted(offset) }
  }

  async *#counted(offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    let sent = offset
    for await (const piece of this.#source.open(offset)) {
      yield piece
      crashPoint('upload.sending')
      sent += piece.byteLength
      this.#ports.onProgress(sent)
    }
  }

  #digest(): Digest {
    const digest = this.#source.digest ?? this.#source.finished?.()
    if (digest === undefined) throw new EngineError('internal', 'the digest of an upload is not known')
    return digest
  }

  /** @returns false where there is no point in going on */
  async #recover(error: unknown, failures: number): Promise<boolean> {
    const { policy, signal } = this.#ports
    if (statusOf(error) === 413 && !this.#inChunks) {
      this.#inChunks = true
      await this.#giveUp()
      return true
    }
    if (!isLost(error)) {
      if (!(await waitToRetry(error, { policy, failures, signal }))) return false
      const received = await this.#upload?.received().catch(() => undefined)
      if (signal.aborted) throw signal.reason
      if (received !== undefined && received <= (this.#source.size ?? Number.POSITIVE_INFINITY)) {
        this.#offset = received
        return true
      }
    }
    await this.#giveUp()
    this.#isUncertain = true
    return ++this.#restarts < policy.attempts
  }

  /** An upload may have been taken whole, and only the answer been lost: then the registry knows it no more. */
  async #hasArrived(): Promise<boolean> {
    const { digest } = this.#source
    const isUncertain = this.#isUncertain
    this.#isUncertain = false
    return isUncertain && digest !== undefined && (await this.#ports.has(digest))
  }

  async #giveUp(): Promise<void> {
    const upload = this.#upload
    this.#upload = undefined
    this.#offset = 0
    await upload?.cancel(AbortSignal.timeout(cancelMs))
  }
}

/** The registry knows nothing of the upload any more, or has something else of it. */
function isLost(error: unknown): boolean {
  const status = statusOf(error)
  const code = EngineError.is(error) ? String(error.details.registryCode) : ''
  return status === 404 || status === 416 || ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'RANGE_INVALID'].includes(code)
}

function statusOf(error: unknown): unknown {
  return EngineError.is(error) ? error.details.status : undefined
}

/** The same bytes in pieces of one size, but for the last. */
async function* chunksOf(pieces: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  for await (const piece of pieces) {
    let rest = piece
    while (waitingBytes + rest.byteLength >= sizeBytes) {
      const taken = sizeBytes - waitingBytes
      yield Buffer.concat([...waiting, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      waiting = []
      waitingBytes = 0
    }
    if (rest.byteLength === 0) continue
    waiting.push(rest)
    waitingBytes += rest.byteLength
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting)
}

async function* once(piece: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield piece
}
