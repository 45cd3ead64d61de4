import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { EngineReach } from '../transport/transport.js'

/** What the program that cleans up is told, in its environment. */
export interface WatchOrder extends EngineReach {
  /** The session whose things go. */
  readonly session: string
}

/** The variable that {@link WatchOrder} is in, as JSON. */
export const orderVariable = 'GANTRY_SESSION_WATCH'

/** A shell that waits for a word on a pipe whose other end only this process has; without the word it starts the program, and only then. */
const waiting = 'read -r word; [ "$word" = closed ] || exec "$0" "$1"'

/**
 * Removes what a session has made on an engine elsewhere when this process dies without closing it, SIGKILL included: a process on this side
 * that outlives this one, and nothing on the other side.
 */
export class SessionWatch {
  readonly #order: WatchOrder
  #child: ChildProcess | undefined

  constructor(order: WatchOrder) {
    this.#order = order
  }

  /** From now on. Idempotent. Where no process can be started nothing is watched, and closing still removes everything. */
  start(): void {
    if (this.#child !== undefined) return
    const program = programFile()
    const [command, args] =
      process.platform === 'win32' ? [process.execPath, [program]] : ['/bin/sh', ['-c', waiting, process.execPath, program]]
    const child = spawn(command, args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      // A terminal's interrupt is for this process.
      detached: true,
      windowsHide: true,
      env: { ...process.env, [orderVariable]: JSON.stringify(this.#order) }
    })
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    child.unref()
    // A pipe of a child process is a socket: it would keep the program going.
    if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
    this.#child = child
  }

  /** The session was closed in order. Idempotent. */
  close(): void {
    this.#child?.stdin?.end('closed\n')
  }
}

/** Beside this file in the built package; in its `dist` when this runs from its TypeScript source (tests). */
function programFile(): string {
  const here = import.meta.url
  if (!here.endsWith('.ts')) return fileURLToPath(new URL('./session-watch.js', here))
  for (let folder = new URL('./', here); ; folder = new URL('../', folder)) {
    if (existsSync(new URL('package.json', folder)) || folder.pathname === '/')
      return fileURLToPath(new URL('dist/session-watch.js', folder))
  }
}
