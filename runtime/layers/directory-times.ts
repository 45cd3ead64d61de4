import type { FileTime } from '../host/libc-files.js'

/** Times that are remembered: most images have fewer directories. Bounds the memory of an archive with millions, and the work of forgetting. */
const mostRemembered = 10_000

/** How times are read and set, by the path of a directory. */
export interface TimeAccess {
  set(path: string, time: FileTime): void
  /** Undefined where there is no such directory. */
  get(path: string): FileTime | undefined
}

/**
 * The times that the directories of an archive are to have. Making something in a directory changes its time, so they are set when nothing is
 * written any more; where they are too many before, and those of directories that are written to after that once more.
 */
export class DirectoryTimes {
  readonly #access: TimeAccess
  readonly #times = new Map<string, FileTime>()
  #someAreSet = false

  constructor(access: TimeAccess) {
    this.#access = access
  }

  /** A directory of the archive. */
  add(path: string, time: FileTime): void {
    if (this.#times.size >= mostRemembered) {
      this.finish()
      this.#someAreSet = true
    }
    this.#times.set(path, time)
  }

  /** Something is about to be made or removed in a directory. */
  changing(path: string): void {
    if (!this.#someAreSet || this.#times.has(path)) return
    const time = this.#access.get(path)
    if (time !== undefined) this.add(path, time)
  }

  /** A directory is gone, and everything below it. */
  forget(path: string): void {
    for (const key of this.#times.keys()) if (key === path || key.startsWith(`${path}/`)) this.#times.delete(key)
  }

  /** Set what is remembered. */
  finish(): void {
    for (const [path, time] of this.#times) this.#access.set(path, time)
    this.#times.clear()
  }
}

/** The time of a file, of its `mtimeNs`. */
export function fileTime(nanoseconds: bigint): FileTime {
  const billion = 1_000_000_000n
  const rest = ((nanoseconds % billion) + billion) % billion
  return { seconds: Number((nanoseconds - rest) / billion), nanoseconds: Number(rest) }
}
