import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import { currentProcess } from '../host/process-identity.js'
import { errnoOf } from '../host/system-call-error.js'
import { type Digest, digestParts, isDigest, parseDigest } from '../registry/digest.js'
import { abortable } from './abortable.js'
import { ChunkWriter } from './chunk-writer.js'
import type { ContentStore, IngestOptions, StagedBlob, StageOptions } from './content-store.js'
import { diskFailure } from './disk-failure.js'
import { abandonedBy, ownedName } from './owned-name.js'

const readChunkBytes = 1024 * 1024

/**
 * A content store in a directory.
 *
 * Layout, version 1:
 *
 *     <root>/blobs/<algorithm>/<hex>                 whole and verified
 *     <root>/ingest/<pid>-<start time>-<random>      being written by that process
 *
 * Any number of processes may use one directory. What a dead process left in `ingest` is removed here.
 */
export async function createContentStore(options: { readonly root: string }): Promise<ContentStore> {
  const blobs = join(options.root, 'blobs')
  const ingest = join(options.root, 'ingest')
  await mkdir(join(blobs, 'sha256'), { recursive: true, mode: 0o700 })
  await mkdir(ingest, { recursive: true, mode: 0o700 })
  for (const name of await readdir(ingest)) {
    if (abandonedBy(name) !== undefined) await rm(join(ingest, name), { force: true })
  }
  return new FileContentStore(blobs, ingest)
}

class FileContentStore implements ContentStore {
  readonly #blobs: string
  readonly #ingest: string

  constructor(blobs: string, ingest: string) {
    this.#blobs = blobs
    this.#ingest = ingest
  }

  path(digest: string): string {
    const { algorithm, hex } = digestParts(parseDigest(digest))
    return join(this.#blobs, algorithm, hex)
  }

  async has(digest: string): Promise<boolean> {
    return (await this.sizeOf(digest)) !== undefined
  }

  async sizeOf(digest: string): Promise<number | undefined> {
    try {
      const found = await stat(this.path(digest))
      return found.isFile() ? found.size : undefined
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  async read(digest: string): Promise<Uint8Array> {
    const path = this.path(digest)
    try {
      return await readFile(path)
    } catch (error) {
      throw missing(error, digest)
    }
  }

  async *stream(digest: string, { offset = 0 }: { readonly offset?: number } = {}): AsyncIterable<Uint8Array> {
    const path = this.path(digest)
    const file = await open(path, 'r').catch(error => {
      throw missing(error, digest)
    })
    try {
      for (let position = offset; ; ) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(readChunkBytes), 0, readChunkBytes, position)
        if (bytesRead === 0) return
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  }

  async ingest(
    expected: { readonly digest: string; readonly sizeBytes?: number },
    source: AsyncIterable<Uint8Array>,
    options: IngestOptions
  ): Promise<void> {
    const digest = parseDigest(expected.digest)
    options.signal.throwIfAborted()
    const temporary = join(this.#ingest, ownedName(currentProcess()))
    const file = await open(temporary, 'wx', 0o600).catch(error => {
      throw diskFailure(error, digest)
    })
    crashPoint('blob.opened')
    try {
      await this.#write(file, { digest, ...sizeOf(expected) }, source, options)
      crashPoint('blob.written')
      // Data before name: after a crash a name never stands for less than the whole.
      await file.datasync()
      crashPoint('blob.synced')
      await file.close()
      await this.#name(digest, temporary)
    } catch (error) {
      await file.close().catch(() => undefined)
      await unlink(temporary).catch(() => undefined)
      throw diskFailure(error, digest)
    }
  }

  async adopt(digest: string, path: string): Promise<void> {
    const checked = parseDigest(digest)
    try {
      const file = await open(path, 'r')
      try {
        await file.datasync()
      } finally {
        await file.close()
      }
      await this.#name(checked, path)
    } catch (error) {
      throw diskFailure(error, checked)
    }
  }

  async stage(source: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedBlob> {
    options.signal.throwIfAborted()
    const temporary = join(this.#ingest, ownedName(currentProcess()))
    const file = await open(temporary, 'wx', 0o600).catch(error => {
      throw diskFailure(error, 'a blob')
    })
    crashPoint('blob.opened')
    const abort = () => rm(temporary, { force: true })
    try {
      const written = await copyInto(file, source, { algorithm: 'sha256', ...options })
      crashPoint('blob.written')
      await file.datasync()
      crashPoint('blob.synced')
      await file.close()
      const digest = parseDigest(written.digest)
      return { digest, sizeBytes: written.sizeBytes, abort, commit: () => this.#name(digest, temporary) }
    } catch (error) {
      await file.close().catch(() => undefined)
      await abort()
      throw diskFailure(error, 'a blob')
    }
  }

  async #name(digest: Digest, file: string): Promise<void> {
    const folder = join(this.#blobs, digestParts(digest).algorithm)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rename(file, this.path(digest))
    crashPoint('blob.renamed')
    await syncDirectory(folder)
  }

  async #write(
    file: FileHandle,
    expected: { readonly digest: Digest; readonly sizeBytes?: number },
    source: AsyncIterable<Uint8Array>,
    options: IngestOptions
  ): Promise<void> {
    const { sizeBytes: limit } = expected
    const { digest: actual, sizeBytes: size } = await copyInto(file, source, {
      ...options,
      algorithm: digestParts(expected.digest).algorithm,
      ...(limit !== undefined && { bufferBytes: limit }),
      onSize(bytes) {
        if (limit !== undefined && bytes > limit) throw wrongSize(expected, `more than ${limit}`)
      }
    })
    if (expected.sizeBytes !== undefined && size !== expected.sizeBytes) throw wrongSize(expected, `${size}`)
    if (actual === expected.digest) return
    throw new EngineError(
      'data_loss',
      `content that should be ${expected.digest} hashes to ${actual}: it was damaged on its way or at its source`,
      {
        details: { digest: expected.digest, actual }
      }
    )
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true })
    crashPoint('blob.removed')
  }

  async *list(): AsyncIterable<{ readonly digest: string; readonly sizeBytes: number }> {
    for (const algorithm of await readdir(this.#blobs)) {
      for (const hex of await readdir(join(this.#blobs, algorithm))) {
        const digest = `${algorithm}:${hex}`
        if (!isDigest(digest)) continue
        const found = await stat(join(this.#blobs, algorithm, hex)).catch(() => undefined)
        if (found !== undefined) yield { digest, sizeBytes: found.size }
      }
    }
  }
}

interface CopyOptions extends StageOptions {
  readonly algorithm: string
  /** What will come, where that is known. */
  readonly bufferBytes?: number
  readonly onSize?: (bytes: number) => void
}

/** Everything of the source, with its size and digest. */
async function copyInto(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  { algorithm, bufferBytes, digest, onSize, signal, tee }: CopyOptions
): Promise<{ readonly digest: string; readonly sizeBytes: number }> {
  const hash = digest === undefined ? createHash(algorithm) : undefined
  const writer = new ChunkWriter(file, bufferBytes)
  let sizeBytes = 0
  try {
    for await (const chunk of abortable(source, signal)) {
      sizeBytes += chunk.byteLength
      onSize?.(sizeBytes)
      hash?.update(chunk)
      await writer.write(chunk)
      await tee?.(chunk)
    }
  } finally {
    // A write under way must end before the file is closed, whatever else failed.
    await writer.flush()
  }
  return { sizeBytes, digest: hash === undefined ? ((await digest?.()) ?? '') : `${algorithm}:${hash.digest('hex')}` }
}

function sizeOf(expected: { readonly sizeBytes?: number }): { readonly sizeBytes?: number } {
  return expected.sizeBytes === undefined ? {} : { sizeBytes: expected.sizeBytes }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function wrongSize(expected: { readonly digest: Digest; readonly sizeBytes?: number }, actual: string): EngineError {
  return new EngineError(
    'data_loss',
    `content ${expected.digest} has ${actual} bytes, ${expected.sizeBytes} were expected: it was damaged on its way or at its source`,
    {
      details: { digest: expected.digest, expectedBytes: expected.sizeBytes }
    }
  )
}

function missing(error: unknown, digest: string): unknown {
  if (errnoOf(error) !== 'ENOENT') return error
  return new EngineError('not_found', `there is no blob ${digest} in the store: pull or build the image that needs it`, {
    details: { digest }
  })
}
