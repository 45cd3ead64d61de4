import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'

/** What a path looks like to somebody who wants to connect to it. */
export type SocketState = 'usable' | 'missing' | 'denied' | 'not a socket'

/** All that finding an engine asks of the machine. */
export interface LocatePorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homedir: string
  readonly platform: NodeJS.Platform
  /** Numeric user id; undefined on Windows. */
  readonly uid: number | undefined
  /** A file's text, or undefined when there is none. Rejects with the system's error otherwise. */
  readFile(path: string): Promise<string | undefined>
  /** Never rejects and never connects. */
  socketState(path: string): Promise<SocketState>
}

/** The ports of this machine and this process. */
export function machinePorts(): LocatePorts {
  return { env: process.env, homedir: homedir(), platform: process.platform, uid: process.getuid?.(), readFile: readOptional, socketState }
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

async function socketState(path: string): Promise<SocketState> {
  try {
    // A Windows pipe has no useful file type; that it is there is all there is to know.
    if (!path.startsWith('\\\\') && !(await stat(path)).isSocket()) return 'not a socket'
    await access(path, constants.R_OK | constants.W_OK)
    return 'usable'
  } catch (error) {
    const code = errnoOf(error)
    return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'missing'
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
