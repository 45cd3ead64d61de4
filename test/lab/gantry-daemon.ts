import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type RunningProgram, startProgram, untilReady } from './programs.js'

// By the package's name: benches are bundled into another folder.
const command = join(dirname(createRequire(import.meta.url).resolve('gantry/package.json')), 'dist', 'cli.js')

/** A Gantry daemon in a process of its own, as a user starts it. */
export interface GantryDaemon {
  /** `unix:///...` */
  readonly host: string
  readonly root: string
  readonly pid: number
  /** What it has said so far. */
  output(): Promise<string>
  /** SIGTERM, and the end. Rejects with what it complained of, unless that is as it should be. Idempotent. */
  stop(options?: { readonly complains?: boolean }): Promise<void>
}

/** The socket of a daemon in a folder. */
export function gantryDaemonHost(folder: string): string {
  return `unix://${join(folder, 'gantry.sock')}`
}

/** Start the built command in a folder. It dies with this process. */
export async function startGantryDaemon(options: {
  readonly folder: string
  readonly arguments?: readonly string[]
  /** How many descriptors it may have. @default as many as this process */
  readonly descriptors?: number
}): Promise<GantryDaemon> {
  const { folder } = options
  const host = gantryDaemonHost(folder)
  const root = join(folder, 'root')
  const limited = options.descriptors === undefined ? [] : ['prlimit', `--nofile=${options.descriptors}:${options.descriptors}`]
  const program = startProgram(
    'gantry daemon',
    [...limited, process.execPath, command, 'daemon', '--host', host, '--root', root, ...(options.arguments ?? [])],
    // One for each start: what an earlier one said is not this one's word.
    join(folder, `gantry-${randomUUID()}.log`)
  )
  try {
    await untilReady(program, async () => (await program.output()).includes(`listens on ${host}`))
  } catch (error) {
    await program.stop()
    throw error
  }
  return { host, root, pid: program.pid, output: () => program.output(), stop: stopOptions => end(program, stopOptions) }
}

async function end(program: RunningProgram, { complains = false }: { readonly complains?: boolean } = {}): Promise<void> {
  await program.stop({ graceMs: 20_000 })
  const said = await program.output()
  if (!complains && said.includes('gantry: ')) throw new Error(`the Gantry daemon complained:\n${said}`)
}
