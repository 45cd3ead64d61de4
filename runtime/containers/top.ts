import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { ContainerTopResponse } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { CgroupFiles } from '../host/cgroup-files.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import { containerAttributes } from './event-attributes.js'

const execute = promisify(execFile)

/**
 * The processes of a container, as the host's `ps` lists them, in Docker's shape.
 *
 * @throws EngineError `conflict` where it does not run, `failed` where ps refuses its arguments or shows no PID column,
 *   `not_supported` without ps on this host (but for `-ef`, which is read out of /proc then)
 */
export async function containerTop(
  context: ContainerContext,
  idOrName: string,
  psArgs: string,
  signal: AbortSignal
): Promise<ContainerTopResponse> {
  refuseHiddenPid(psArgs)
  const record = context.store.get(idOrName)
  const { id, state } = record
  if (state.status !== 'running') throw new EngineError('conflict', `Container ${id} is not running`, { details: { id } })
  const args = psArgs.split(/\s+/).filter(arg => arg !== '')
  const pids = await new CgroupFiles(context.cgroups, cgroupOf(context.paths, record)).processes()
  const processes = await askPs(args, pids, signal)
  context.events.publish({ Type: 'container', Action: 'top', id, attributes: containerAttributes(record) })
  return processes
}

/** A column that is only called PID would be taken for the number. */
function refuseHiddenPid(psArgs: string): void {
  for (const [, name = '', title = ''] of psArgs.matchAll(/\s+([^\s=]*)=\s*(PID\S*)/g)) {
    if (name !== 'pid') throw new EngineError('failed', `specifying "${name}=${title}" is not allowed`, { details: { args: psArgs } })
  }
}

async function askPs(args: readonly string[], pids: readonly number[], signal: AbortSignal): Promise<ContainerTopResponse> {
  const ps = async (all: readonly string[]) => {
    const { stdout } = await execute('ps', all, { signal, env: { PATH: process.env.PATH, LC_ALL: 'C' }, maxBuffer: 64 * 1024 ** 2 })
    return parsePs(stdout, new Set(pids))
  }
  try {
    // For the container's processes first, as Docker does; that does not go with every set of arguments.
    return await ps([...args, `-q${pids.join()}`]).catch(error => {
      if (signal.aborted || (error as NodeJS.ErrnoException).code === 'ENOENT') throw error
      return ps(args)
    })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (EngineError.is(error)) throw error
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const [why = ''] = ((error as { readonly stderr?: string }).stderr ?? '').split('\n')
      throw new EngineError('failed', `ps: ${why.trim() || String(error)}`, { details: { args }, cause: error })
    }
    if (args.join(' ') !== '-ef')
      throw new EngineError('not_supported', `ps is not on this host: install procps, or ask without arguments`, { cause: error })
    return { Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], Processes: (await Promise.all(pids.map(row))).flat() }
  }
}

function parsePs(text: string, pids: ReadonlySet<number>): ContainerTopResponse {
  const [head = '', ...lines] = text.split('\n').filter(line => line.trim() !== '')
  const titles = head.trim().split(/\s+/)
  const pidColumn = titles.indexOf('PID')
  if (pidColumn === -1) throw new EngineError('failed', "Couldn't find PID field in ps output", { details: { titles } })
  const rows = lines.map(line => {
    const words = line.trim().split(/\s+/)
    // The last column is the rest of the line.
    return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')]
  })
  return { Titles: titles, Processes: rows.filter(row => pids.has(Number(row[pidColumn]))) }
}

/** What `ps -ef` shows of a process; nothing of one that has just gone. */
async function row(pid: number): Promise<readonly (readonly string[])[]> {
  try {
    const [stat, status, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/status`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'utf8')
    ])
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const seconds = Math.floor((Number(fields[11]) + Number(fields[12])) / 100)
    const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1] ?? '0'
    const terminal = await readlink(`/proc/${pid}/fd/0`).catch(() => '')
    const tty = terminal.startsWith('/dev/pts/') ? terminal.slice('/dev/'.length) : '?'
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const line = command === '' ? `[${name}]` : command.replace(/\0$/, '').replaceAll('\0', ' ')
    return [
      [uid === '0' ? 'root' : uid, String(pid), fields[1] ?? '0', '0', await startTime(Number(fields[19])), tty, clock(seconds), line]
    ]
  } catch {
    return []
  }
}

async function startTime(ticks: number): Promise<string> {
  const boot = Number(/^btime (\d+)/m.exec(await readFile('/proc/stat', 'latin1'))?.[1] ?? 0)
  const started = new Date((boot + ticks / 100) * 1000)
  return `${String(started.getHours()).padStart(2, '0')}:${String(started.getMinutes()).padStart(2, '0')}`
}

function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}
