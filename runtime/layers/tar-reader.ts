import { archiveError } from './archive-error.js'
import { noPaxOverrides, type PaxOverrides, type PaxSparse, readPaxRecords } from './pax-records.js'
import {
  checkedSparseMap,
  checkSegmentCount,
  oldGnuExtension,
  oldGnuRealSize,
  oldGnuSegments,
  pairedSegments,
  type SparseMap,
  SparseMapText,
  type SparseSegment
} from './sparse-map.js'
import type { TarEntry, TarSink } from './tar-entry.js'
import { blockBytes, isZeroBlock, paddingOf, parseTarHeader, type TarHeader } from './tar-header.js'
import { toEntry } from './to-entry.js'

/** The largest name or extended header that is read: what Go's archive/tar, and so Docker, accepts. */
const maximumExtensionBytes = 1024 * 1024

/** A file whose data is about to come: `storedBytes` of it are in the archive. */
interface PendingFile {
  readonly entry: TarEntry
  readonly storedBytes: number
}

type State =
  | { readonly kind: 'header' }
  /** One zero block was seen: the second one ends the archive. */
  | { readonly kind: 'end-block' }
  /** Past the end marker: whatever follows is taken and ignored. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'skip'; left: number }
  | { readonly kind: 'collect'; readonly header: TarHeader; readonly bytes: Buffer; filled: number }
  | { readonly kind: 'sparse-extension'; readonly file: PendingFile; readonly segments: SparseSegment[]; readonly realSize: number }
  | { readonly kind: 'sparse-map'; readonly file: PendingFile; readonly map: SparseMapText; readonly realSize: number; left: number }
  | { readonly kind: 'file'; left: number; readonly padding: number; readonly sparse: SparseMap | undefined; segment: number; done: number }

const atHeader: State = { kind: 'header' }
const ended: State = { kind: 'ended' }

/**
 * Reads an archive that arrives in pieces, and tells the sink what is in it: ustar, GNU (long names, base-256 numbers,
 * sparse files) and PAX (per entry and global). Synchronous: whoever pushes has the backpressure.
 *
 * As in Go's archive/tar, and so in Docker: an archive may end without its end marker where a header would begin, and
 * whatever comes after the marker is ignored.
 */
export class TarReader {
  readonly #sink: TarSink
  readonly #block = Buffer.alloc(blockBytes)
  #filled = 0
  #state: State = atHeader
  #global: PaxOverrides = noPaxOverrides()
  #local: PaxOverrides | undefined
  #longName: string | undefined
  #longLinkName: string | undefined

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  /** Whether the end marker was read: what follows is not looked at. */
  get isEnded(): boolean {
    return this.#state.kind === 'ended'
  }

  /** @throws EngineError `data_loss`, and what the sink throws */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const state = this.#state
      switch (state.kind) {
        case 'ended':
          return
        case 'skip':
          at += this.#skip(state, chunk.length - at)
          break
        case 'collect':
          at += this.#collect(state, chunk, at)
          break
        case 'file':
          at += this.#data(state, chunk, at)
          break
        default:
          at += this.#fillBlock(state, chunk, at)
      }
    }
  }

  /** @throws EngineError `data_loss` when the archive ends in the middle of something */
  finish(): void {
    const state = this.#state
    // Padding that is missing at the very end takes nothing away.
    const isEdge = state.kind === 'header' || state.kind === 'end-block' || state.kind === 'ended'
    const isPadding = state.kind === 'skip' && state.left < blockBytes
    const isExpectingEntry = this.#local !== undefined || this.#longName !== undefined || this.#longLinkName !== undefined
    if (!(isEdge || isPadding) || this.#filled > 0 || isExpectingEntry) {
      throw archiveError('it ends in the middle of an entry: it is truncated')
    }
  }

  #fillBlock(state: State, chunk: Buffer, at: number): number {
    const whole = this.#filled === 0 && chunk.length - at >= blockBytes
    if (whole) {
      this.#takeBlock(state, chunk.subarray(at, at + blockBytes))
      return blockBytes
    }
    const taken = chunk.copy(this.#block, this.#filled, at, at + blockBytes - this.#filled)
    this.#filled += taken
    if (this.#filled === blockBytes) {
      this.#filled = 0
      this.#takeBlock(state, this.#block)
    }
    return taken
  }

  #takeBlock(state: State, block: Buffer): void {
    switch (state.kind) {
      case 'header':
        if (isZeroBlock(block)) this.#state = { kind: 'end-block' }
        else this.#header(parseTarHeader(block), block)
        return
      case 'end-block':
        if (!isZeroBlock(block)) throw archiveError('a single zero block is followed by more data')
        this.#state = ended
        return
      case 'sparse-extension': {
        const { segments, continues } = oldGnuExtension(block)
        for (const segment of segments) state.segments.push(segment)
        checkSegmentCount(state.segments.length)
        if (!continues) this.#sparseFile(state.file, state.segments, state.realSize)
        return
      }
      case 'sparse-map':
        this.#sparseMapBlock(state, block)
    }
  }

  #header(header: TarHeader, block: Buffer): void {
    if (isExtension(header.typeFlag)) {
      this.#extension(header)
      return
    }
    const storedBytes = checkedSize(this.#local?.size ?? this.#global.size ?? header.size, header.name)
    const entry = toEntry(header, { name: this.#longName, linkName: this.#longLinkName }, this.#global, this.#local)
    const sparse = this.#local?.sparse
    this.#local = undefined
    this.#longName = undefined
    this.#longLinkName = undefined
    if (entry.type === 'file') this.#file({ entry, storedBytes }, header.typeFlag === 'S' ? block : undefined, sparse)
    else this.#other(entry, header.typeFlag === '0' || header.typeFlag === 'D' ? storedBytes : 0)
  }

  #extension(header: TarHeader): void {
    if (header.typeFlag === 'V') {
      this.#skipData(checkedSize(header.size, header.name))
      return
    }
    const size = checkedSize(header.size, header.name)
    if (size > maximumExtensionBytes) {
      throw archiveError(`an extended header of ${size} bytes is larger than the ${maximumExtensionBytes} that are read`)
    }
    if (size === 0) this.#extended(header, Buffer.alloc(0))
    else this.#state = { kind: 'collect', header, bytes: Buffer.alloc(size + paddingOf(size)), filled: 0 }
  }

  #extended(header: TarHeader, bytes: Buffer): void {
    this.#state = atHeader
    switch (header.typeFlag) {
      case 'L':
        this.#longName = untilNul(bytes)
        return
      case 'K':
        this.#longLinkName = untilNul(bytes)
        return
      case 'g':
        readPaxRecords(bytes, this.#global)
        return
      default:
        this.#local ??= noPaxOverrides()
        readPaxRecords(bytes, this.#local)
    }
  }

  #file(file: PendingFile, oldGnuHeader: Buffer | undefined, sparse: PaxSparse | undefined): void {
    const { entry, storedBytes } = file
    if (oldGnuHeader !== undefined) {
      const { segments, continues } = oldGnuSegments(oldGnuHeader)
      const realSize = oldGnuRealSize(oldGnuHeader)
      if (continues) this.#state = { kind: 'sparse-extension', file, segments: [...segments], realSize }
      else this.#sparseFile(file, segments, realSize)
    } else if (sparse?.major === 1 && sparse.minor === 0) {
      this.#state = { kind: 'sparse-map', file, map: new SparseMapText(), realSize: sparse.realSize ?? 0, left: storedBytes }
    } else if (sparse?.map !== undefined) {
      this.#sparseFile(file, pairedSegments(sparse.map), sparse.realSize ?? 0)
    } else {
      this.#sink.entry({ ...entry, sizeBytes: storedBytes })
      this.#fileData(storedBytes, undefined)
    }
  }

  #sparseMapBlock(state: Extract<State, { kind: 'sparse-map' }>, block: Buffer): void {
    const { file, realSize } = state
    state.left -= blockBytes
    if (state.left < 0) throw archiveError(`the sparse map of ${file.entry.name} is longer than the entry`)
    const segments = state.map.push(block)
    if (segments !== undefined) this.#sparseFile({ entry: file.entry, storedBytes: state.left }, segments, realSize)
  }

  #sparseFile({ entry, storedBytes }: PendingFile, segments: readonly SparseSegment[], realSize: number): void {
    const map = checkedSparseMap(segments, realSize, storedBytes)
    this.#sink.entry({ ...entry, sizeBytes: realSize, sparse: true })
    this.#fileData(storedBytes, map)
  }

  /** Only files have data. Sizes of other entries are a courtesy of some writers, except where `dataBytes` says so. */
  #other(entry: TarEntry, dataBytes: number): void {
    this.#sink.entry(entry)
    this.#sink.end()
    this.#skipData(dataBytes)
  }

  #fileData(storedBytes: number, sparse: SparseMap | undefined): void {
    if (storedBytes === 0) {
      this.#sink.end()
      this.#state = atHeader
      return
    }
    this.#state = { kind: 'file', left: storedBytes, padding: paddingOf(storedBytes), sparse, segment: 0, done: 0 }
  }

  #data(state: Extract<State, { kind: 'file' }>, chunk: Buffer, at: number): number {
    const available = Math.min(state.left, chunk.length - at)
    const taken = state.sparse === undefined ? available : Math.min(available, nextSegmentLeft(state, state.sparse))
    const position = state.sparse === undefined ? state.done : (state.sparse.segments[state.segment]?.offset ?? 0) + state.done
    this.#sink.data(chunk.subarray(at, at + taken), position)
    state.done += taken
    state.left -= taken
    if (state.left === 0) {
      this.#sink.end()
      this.#skipBytes(state.padding)
    }
    return taken
  }

  #collect(state: Extract<State, { kind: 'collect' }>, chunk: Buffer, at: number): number {
    const taken = chunk.copy(state.bytes, state.filled, at)
    state.filled += taken
    if (state.filled === state.bytes.length) this.#extended(state.header, state.bytes.subarray(0, state.header.size))
    return taken
  }

  #skip(state: Extract<State, { kind: 'skip' }>, available: number): number {
    const taken = Math.min(state.left, available)
    state.left -= taken
    if (state.left === 0) this.#state = atHeader
    return taken
  }

  #skipData(size: number): void {
    this.#skipBytes(size + paddingOf(size))
  }

  #skipBytes(left: number): void {
    this.#state = left === 0 ? atHeader : { kind: 'skip', left }
  }
}

/** Bytes left in the segment that data goes to now; moves past segments that are full. */
function nextSegmentLeft(state: Extract<State, { kind: 'file' }>, sparse: SparseMap): number {
  for (;;) {
    const left = (sparse.segments[state.segment]?.length ?? Number.POSITIVE_INFINITY) - state.done
    if (left > 0) return left
    state.segment++
    state.done = 0
  }
}

/** Long names (L, K), PAX headers (x, g; X is Solaris's), and a volume's label (V). */
function isExtension(typeFlag: string): boolean {
  return 'LKxgXV'.includes(typeFlag)
}

function checkedSize(size: number, name: string): number {
  if (size < 0) throw archiveError(`entry ${name} has a negative size`, { name, size })
  return size
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}
