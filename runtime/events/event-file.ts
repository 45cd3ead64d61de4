import { closeSync, mkdirSync, openSync, readFileSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { EventMessage } from '../../src/api/index.js'

/** A file longer than this is put aside; the one that was put aside before is forgotten. */
const rotationBytes = 256 * 1024

const readBytes = 64 * 1024

/** An event as the file holds it. */
export interface FiledEvent {
  /** The engine that published it. */
  readonly origin: string
  readonly message: EventMessage
}

/**
 * What happened in all engines of one data root, so that each hears of the others. Format version 1, in the run root: one JSON object a
 * line, appended with one write each, so that lines of several processes never mix.
 *
 * ```
 * events/log      {"origin":"<session>","message":{"Type":"container","Action":"start",...}}
 * events/log.1    what was put aside when it grew too long
 * ```
 */
export class EventFile {
  readonly folder: string
  readonly #path: string

  constructor(runRoot: string) {
    this.folder = join(runRoot, 'events')
    this.#path = join(this.folder, 'log')
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
  }

  append(events: readonly FiledEvent[]): void {
    const file = openSync(this.#path, 'a', 0o600)
    try {
      writeSync(file, events.map(event => `${JSON.stringify(event)}\n`).join(''))
    } finally {
      closeSync(file)
    }
    if (this.#size() > rotationBytes) renameSync(this.#path, `${this.#path}.1`)
  }

  /** Everything that is still there, oldest first. */
  all(): readonly FiledEvent[] {
    return [`${this.#path}.1`, this.#path].flatMap(path => parseLines(readIfThere(path)).events)
  }

  /** What is appended from now on; `next` gives what has come since it was last asked. */
  tail(): EventTail {
    // There has to be a file to stand in: one that is made and put aside between two looks would be missed.
    closeSync(openSync(this.#path, 'a', 0o600))
    return new EventTail(this.#path, this.#size())
  }

  #size(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }
}

/** A place in the file that moves on. */
export class EventTail {
  readonly #path: string
  #file: number | undefined
  #inode = 0
  #offset: number
  #rest = ''

  constructor(path: string, offset: number) {
    this.#path = path
    this.#offset = offset
    this.#open()
  }

  next(): readonly FiledEvent[] {
    const events = [...this.#read()]
    // The file was put aside: its end has just been read, the new one begins at its beginning.
    if (statSync(this.#path, { throwIfNoEntry: false })?.ino !== this.#inode) {
      this.close()
      this.#offset = 0
      this.#open()
      events.push(...this.#read())
    }
    return events
  }

  /** Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#inode = 0
  }

  #open(): void {
    try {
      this.#file = openSync(this.#path, 'r')
      this.#inode = statSync(this.#path, { throwIfNoEntry: false })?.ino ?? 0
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  #read(): readonly FiledEvent[] {
    if (this.#file === undefined) return []
    const chunk = Buffer.alloc(readBytes)
    for (;;) {
      const count = readSync(this.#file, chunk, 0, readBytes, this.#offset)
      if (count === 0) break
      this.#offset += count
      this.#rest += chunk.toString('utf8', 0, count)
    }
    const { events, rest } = parseLines(this.#rest)
    this.#rest = rest
    return events
  }
}

function parseLines(text: string): { readonly events: readonly FiledEvent[]; readonly rest: string } {
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  return { events: lines.flatMap(parseLine), rest }
}

/** A line that a full disk cut short says nothing. */
function parseLine(line: string): readonly FiledEvent[] {
  try {
    // Engines are the only authors of the file.
    return [JSON.parse(line) as FiledEvent]
  } catch {
    return []
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
