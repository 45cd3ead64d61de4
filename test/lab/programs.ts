import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Run a program to its end and give its standard output. Rejects with its standard error when it fails. */
export function run(argv: readonly string[], options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<string> {
  const [program = '', ...arguments_] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, arguments_, { stdio: ['pipe', 'pipe', 'pipe'], ...(options.env ? { env: options.env } : {}) })
    const stdout: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(stdout).toString())
      else reject(new Error(`${argv.join(' ')} ended with ${signal ?? code}: ${stderr.trim()}`))
    })
    // A program may end without reading its input; its exit status says how that went.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** A program that the lab keeps running. */
export interface RunningProgram {
  readonly name: string
  readonly pid: number
  readonly alive: boolean
  /** What it has written so far. */
  output(): Promise<string>
  /** End it: SIGTERM to `gentlyTo` (itself unless said), SIGKILL when that was not enough. Idempotent. */
  stop(options?: { readonly gentlyTo?: number; readonly graceMs?: number }): Promise<void>
}

/**
 * Start a program that must not outlive this process: the kernel kills it (PR_SET_PDEATHSIG) when the thread that
 * started it ends, however it ends. Its output goes to a file, so nothing of it keeps the event loop alive.
 */
export function startProgram(name: string, argv: readonly string[], logFile: string): RunningProgram {
  const log = openSync(logFile, 'a')
  let child: ChildProcess
  try {
    child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], { stdio: ['ignore', log, log] })
  } finally {
    closeSync(log)
  }
  let ended = false
  const end = new Promise<void>(resolve => {
    const settle = (): void => {
      ended = true
      resolve()
    }
    child.once('exit', settle)
    child.once('error', settle)
  })
  child.unref()
  const pid = child.pid ?? -1
  return {
    name,
    pid,
    get alive() {
      return !ended
    },
    output: () => readFile(logFile, 'utf8').catch(() => ''),
    async stop({ gentlyTo = pid, graceMs = 5000 } = {}) {
      if (ended || pid < 0) return
      const grace = new AbortController()
      signalProcess(gentlyTo, 'SIGTERM')
      await Promise.race([end, delay(graceMs, undefined, { signal: grace.signal }).catch(() => {})])
      grace.abort()
      if (!ended) signalProcess(pid, 'SIGKILL')
      await end
    }
  }
}

/** Wait until `check` holds, as long as the program lives and for at most `withinMs`. */
export async function untilReady(program: RunningProgram, check: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    if (await check().catch(() => false)) return
    if (!program.alive || Date.now() > deadline) {
      const said = (await program.output()).trim().split('\n').slice(-15).join('\n')
      throw new Error(`${program.name} ${program.alive ? 'did not get ready' : 'ended while it started'}:\n${said}`)
    }
    await delay(50)
  }
}

/** Send a signal to a process that may be gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Children of a process, or none when it is gone. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}
