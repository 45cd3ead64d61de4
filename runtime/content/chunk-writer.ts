import type { FileHandle } from 'node:fs/promises'

const batchBytes = 1024 * 1024

/**
 * Writes small chunks as large batches, one batch being filled while the one before is on its way to the disk: network
 * chunks are 16-64 KiB, and a system call through the thread pool for each would cost more than its bytes.
 */
export class ChunkWriter {
  readonly #file: FileHandle
  #batch: Uint8Array[] = []
  #size = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** Resolves when more can be taken. Keeps the chunk until it is written. @throws what the disk says, perhaps of an earlier chunk */
  async write(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk)
    this.#size += chunk.byteLength
    if (this.#size >= batchBytes) await this.#next()
  }

  /** Write what is left. */
  async flush(): Promise<void> {
    if (this.#size > 0) await this.#next()
    await this.#writing
  }

  async #next(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#size = 0
    await this.#writing
    this.#writing = writeAll(this.#file, batch)
    // Its failure is reported by whoever waits next; until then it must not count as unhandled.
    this.#writing.catch(() => undefined)
  }
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  const { bytesWritten } = await file.writev([...chunks])
  if (bytesWritten === bytes) return
  // A short write means a disk that is nearly full: go on from there and let the next one say so.
  await file.writeFile(Buffer.concat(chunks).subarray(bytesWritten))
}
