import { archiveError } from './archive-error.js'
import { blockBytes, number } from './tar-header.js'

/** Where the stored bytes of a file with holes belong. */
export interface SparseMap {
  readonly segments: readonly SparseSegment[]
  readonly realSizeBytes: number
}

export interface SparseSegment {
  readonly offset: number
  readonly length: number
}

/** More segments than any real file has: the bound on what a hostile archive makes us hold. */
const maximumSegments = 1_000_000

/** The four segments of an old GNU sparse header, and whether a block with more follows. */
export function oldGnuSegments(header: Buffer): { readonly segments: readonly SparseSegment[]; readonly continues: boolean } {
  return { segments: segmentsAt(header, 386, 4), continues: header[482] === 1 }
}

/** The real size in an old GNU sparse header. */
export function oldGnuRealSize(header: Buffer): number {
  return number(header, 483, 12, 'real size')
}

/** A block of up to 21 further segments. */
export function oldGnuExtension(block: Buffer): { readonly segments: readonly SparseSegment[]; readonly continues: boolean } {
  return { segments: segmentsAt(block, 0, 21), continues: block[504] === 1 }
}

function segmentsAt(block: Buffer, offset: number, count: number): readonly SparseSegment[] {
  const segments: SparseSegment[] = []
  for (let at = offset; at < offset + count * 24; at += 24) {
    // An unused slot begins with NUL.
    if (block[at] === 0) break
    segments.push({ offset: number(block, at, 12, 'sparse offset'), length: number(block, at + 12, 12, 'sparse length') })
  }
  return segments
}

/** Offsets and lengths in turn, as PAX formats 0.0 and 0.1 give them. */
export function pairedSegments(numbers: readonly number[]): readonly SparseSegment[] {
  if (numbers.length % 2 !== 0) throw archiveError('a sparse map ends with an offset that has no length')
  const segments: SparseSegment[] = []
  for (let at = 0; at < numbers.length; at += 2) segments.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 })
  return segments
}

/**
 * Collects the map of PAX format 1.0, which stands before the data: decimal lines (the count, then offsets and
 * lengths), padded to a block.
 */
export class SparseMapText {
  readonly #numbers: number[] = []
  #partial = ''
  #expected: number | undefined

  /** Take a block in. Gives the segments once they are complete. */
  push(block: Buffer): readonly SparseSegment[] | undefined {
    const lines = (this.#partial + block.toString('latin1', 0, blockBytes)).split('\n')
    this.#partial = lines.pop() ?? ''
    for (const line of lines) {
      if (this.#complete()) break
      const value = /^[0-9]{1,16}$/.test(line) ? Number(line) : Number.NaN
      if (!Number.isSafeInteger(value)) throw archiveError(`a sparse map holds a line that is no number: ${line.slice(0, 40)}`)
      if (this.#expected === undefined) this.#expected = checkSegmentCount(value) * 2
      else this.#numbers.push(value)
    }
    if (this.#complete()) return pairedSegments(this.#numbers)
    if (this.#partial.length > 20) throw archiveError('a sparse map holds a line that is too long')
    return undefined
  }

  #complete(): boolean {
    return this.#numbers.length === this.#expected
  }
}

/** @throws EngineError `data_loss` for more segments than any file has; else the count */
export function checkSegmentCount(count: number): number {
  if (count > maximumSegments) throw archiveError(`a sparse map of ${count} segments is more than any file has`)
  return count
}

/**
 * Check a map: in order, no overlap, inside the file, and as long as the stored data.
 *
 * @throws EngineError `data_loss`
 */
export function checkedSparseMap(segments: readonly SparseSegment[], realSizeBytes: number, storedBytes: number): SparseMap {
  let end = 0
  let sum = 0
  for (const { offset, length } of segments) {
    if (length < 0 || offset < end) throw archiveError('the segments of a sparse file overlap or are out of order')
    end = offset + length
    sum += length
  }
  if (end > realSizeBytes) throw archiveError(`a sparse file of ${realSizeBytes} bytes has a segment that ends at ${end}`)
  if (sum !== storedBytes) throw archiveError(`a sparse file stores ${storedBytes} bytes where its map needs ${sum}`)
  return { segments, realSizeBytes }
}
