import type { FileHandle } from 'node:fs/promises'
import { releaseMemory } from '../../src/util/release-memory.js'

const batchBytes = 1024 * 1024

/**
 * Writes small chunks as large batches, one batch being filled while the one before is on its way to the disk: network
 * chunks are 16-64 KiB, and a system call through the thread pool for each would cost more than its bytes.
 */
export class ChunkWriter {
  readonly #file: FileHandle
  readonly #capacity: number
  #filling: Buffer<ArrayBuffer> | undefined
  #filled = 0
  /** Written out, to be filled again. */
  #spare: Buffer<ArrayBuffer> | undefined
  #writing: Promise<void> = Promise.resolve()
  #writtenBytes = 0

  /** @param sizeBytes of everything that will come, where that is known: a small blob takes no large buffer */
  constructor(file: FileHandle, sizeBytes?: number) {
    this.#file = file
    this.#capacity = Math.max(1, Math.min(batchBytes, sizeBytes ?? batchBytes))
  }

  /** What the file has got so far. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  /** Resolves when more can be taken. The chunk is copied. @throws what the disk says, perhaps of an earlier chunk */
  async write(chunk: Uint8Array): Promise<void> {
    let at = 0
    while (at < chunk.byteLength) {
      this.#filling ??= this.#spare ?? Buffer.allocUnsafeSlow(this.#capacity)
      if (this.#filling === this.#spare) this.#spare = undefined
      const part = chunk.subarray(at, at + this.#capacity - this.#filled)
      this.#filling.set(part, this.#filled)
      this.#filled += part.byteLength
      at += part.byteLength
      if (this.#filled === this.#capacity) await this.#next()
    }
  }

  /** Write what is left, and free the buffers. */
  async flush(): Promise<void> {
    try {
      if (this.#filled > 0) await this.#next()
      await this.#writing
    } finally {
      for (const buffer of [this.#filling, this.#spare]) if (buffer !== undefined) releaseMemory(buffer.buffer)
      this.#filling = undefined
      this.#spare = undefined
    }
  }

  async #next(): Promise<void> {
    await this.#writing
    const batch = this.#filling
    if (batch === undefined) return
    const bytes = batch.subarray(0, this.#filled)
    this.#filling = undefined
    this.#filled = 0
    this.#writing = this.#writeAll(bytes).finally(() => {
      this.#spare = batch
    })
    // Its failure is reported by whoever waits next; until then it must not count as unhandled.
    this.#writing.catch(() => undefined)
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    // A short write means a disk that is nearly full: go on from there and let the next one say so.
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await this.#file.write(bytes, at)
      at += bytesWritten
      this.#writtenBytes += bytesWritten
    }
  }
}
