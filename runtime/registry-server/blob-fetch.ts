import { type FileHandle, open } from 'node:fs/promises'
import type { Digest } from '../registry/digest.js'
import { isMissing } from './durable-file.js'
import type { FileSource } from './send-file.js'

/** Where the bytes of a blob are, before it is complete and after. */
export interface FetchPlaces {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly comingPath: string
  readonly storedPath: string
}

/**
 * A blob that is coming in, for any number of readers: each reads from the file at its own speed, and none holds up another. The last byte is
 * held back until the digest was checked, so that nobody can take a damaged blob for a whole one.
 */
export class BlobFetch implements FileSource {
  readonly sizeBytes: number
  readonly #places: FetchPlaces
  #availableBytes = 0
  #failure: { readonly error: unknown } | undefined
  #waiting: (() => void)[] = []

  constructor(places: FetchPlaces) {
    this.#places = places
    this.sizeBytes = places.sizeBytes
  }

  /** So much is on the disk, not checked yet. */
  advance(bytes: number): void {
    this.#availableBytes = Math.min(bytes, this.sizeBytes - 1)
    this.#wake()
  }

  /** It is complete, checked and stored. */
  complete(): void {
    this.#availableBytes = this.sizeBytes
    this.#wake()
  }

  /** Nothing more will come: whoever waits for it is told. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake()
  }

  async open(): Promise<FileHandle> {
    try {
      return await open(this.#places.comingPath, 'r')
    } catch (error) {
      if (!isMissing(error)) throw error
      return open(this.#places.storedPath, 'r')
    }
  }

  async readable(place: number): Promise<number> {
    while (this.#availableBytes <= place) {
      if (this.#failure !== undefined) throw this.#failure.error
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    return this.#availableBytes
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
