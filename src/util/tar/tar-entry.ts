/** What an entry of a tar archive is. */
export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other'

/** An entry of a tar archive: everything but its content. */
export interface TarEntry {
  /** As it is written, without the slash at a directory's end. */
  readonly name: string
  readonly type: TarEntryType
  /** Bytes of content that follow. */
  readonly sizeBytes: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: Date
  /** Where a link leads. */
  readonly linkName?: string
}

/** Archives are made of blocks of this many bytes. */
export const tarBlockBytes = 512
