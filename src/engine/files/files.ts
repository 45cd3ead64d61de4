import type { Readable } from 'node:stream'
import type { Abortable } from '../values.js'

/** How to write a file. */
export interface WriteOptions extends Abortable {
  /** Permission bits. @default 0o644 */
  mode?: number
  /** `name[:group]` of the container, or `uid[:gid]`. @default root */
  user?: string
}

/** Something in a folder. */
export interface FolderEntry {
  readonly name: string
  readonly type: 'file' | 'directory' | 'link' | 'other'
  /** 0 unless it is a file. */
  readonly sizeBytes: number
}

/** A container's files. Paths in it are absolute. It need not run. */
export interface ContainerFiles {
  /** A whole file, in memory; links are followed. @throws EngineError `not_found`, `invalid_argument` for what is no file */
  read(path: string, options?: Abortable): Promise<Uint8Array>
  /** The same as UTF-8 text. */
  readText(path: string, options?: Abortable): Promise<string>
  /** Write a whole file, over what was there. Folders on the way are made. A stream is collected in memory first. */
  write(path: string, data: string | Uint8Array | Readable, options?: WriteOptions): Promise<void>
  /** Copy a file or folder of this machine into the container, where it is `path` afterwards. `docker cp` */
  put(hostPath: string, path: string, options?: Abortable): Promise<void>
  /** Copy a file or folder out of the container, where it is `hostPath` afterwards. Links stay links, owners are the caller. */
  get(path: string, hostPath: string, options?: Abortable): Promise<void>
  /** What is in a folder, by name. The engine sends the folder with everything below it, so that of a large one takes time. */
  list(path: string, options?: Abortable): Promise<readonly FolderEntry[]>
}
