import type { FileHandle } from 'node:fs/promises'

/** Written bytes that are worth a sync of their own. */
const stepBytes = 8 * 1024 * 1024

/**
 * Brings a file to the disk while it is being written, so that the sync at the end, which somebody waits for, has little left to do. Nothing
 * depends on it.
 */
export class EarlySync {
  readonly #file: FileHandle
  #askedBytes = 0
  #syncing: Promise<void> | undefined

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** So many bytes are written. */
  advance(writtenBytes: number): void {
    if (this.#syncing !== undefined || writtenBytes - this.#askedBytes < stepBytes) return
    this.#askedBytes = writtenBytes
    // What it fails with, the sync at the end does too.
    const done = (): void => {
      this.#syncing = undefined
    }
    this.#syncing = this.#file.datasync().then(done, done)
  }

  /** Wait for what is under way: the file may be closed then. */
  async settled(): Promise<void> {
    await this.#syncing
  }
}
