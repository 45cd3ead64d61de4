import type { FileTime } from '../host/libc-files.js'

/** What an entry of an archive makes. */
export type TarEntryType = 'file' | 'directory' | 'symbolic-link' | 'hard-link' | 'character-device' | 'block-device' | 'fifo'

/**
 * One entry of an archive, extensions applied. Names are bytes as latin1 strings, because an archive need not hold
 * UTF-8: `Buffer.from(name, 'latin1')` is the name on disk.
 */
export interface TarEntry {
  readonly type: TarEntryType
  readonly name: string
  /** Target of a link; '' for everything else. */
  readonly linkName: string
  /** Permission bits with setuid, setgid and sticky (0o7777). */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of the file once written, holes included; 0 for everything that is not a file. */
  readonly sizeBytes: number
  /** The file has holes: its data comes in pieces, and what no piece covers reads as zeros. */
  readonly sparse: boolean
  readonly modified: FileTime
  readonly device: { readonly major: number; readonly minor: number }
  readonly attributes: readonly ExtendedAttribute[]
}

export interface ExtendedAttribute {
  readonly name: string
  readonly value: Uint8Array
}

/** Receives an archive, entry by entry. */
export interface TarSink {
  entry(entry: TarEntry): void
  /** A piece of the current file's data. The bytes are valid during the call only. */
  data(bytes: Uint8Array, position: number): void
  /** The current entry is complete. */
  end(): void
}
