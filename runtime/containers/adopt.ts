import { closeSync, constants, createReadStream, existsSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeCgroup } from '../host/cgroups.js'
import { currentProcess, isAlive, type ProcessIdentity } from '../host/process-identity.js'
import { GuardLine, readExit } from '../oci/guard-line.js'
import { guardFds, heldFd } from '../oci/guard-programs.js'
import { adoptNetwork } from './adopt-network.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { watchHealth } from './health.js'
import { letGoAtEnd } from './kept-run.js'
import { type ProcessStreams, pipeStreams, terminalStreams } from './live-container.js'
import type { LogWriter } from './log-writer.js'
import { announceEndpoints } from './network-events.js'
import { watchOom } from './oom-watch.js'
import { openLog } from './open-log.js'
import { forgetContainer } from './remove.js'
import { recordExit, takeAllAway, watch } from './start.js'

/** How long a guard may take to write down what was left in the pipes. */
const guardPatienceMs = 5_000

/** Docker's exit code for a container whose end nobody saw: the machine went down with it. */
const unseenExitCode = 255

/** Go on with the kept containers whose monitor is gone. Those that cannot be gone on with are left as they are. */
export async function adoptContainers(context: ContainerContext): Promise<void> {
  await Promise.all(
    context.store
      .list()
      .filter(isLeft)
      .map(record => adoptContainer(context, record.id))
  )
}

/** Whether a kept container runs, as far as its record says, and nobody watches it. */
export function isLeft({ keep, state }: ContainerRecord): boolean {
  return keep === true && state.status === 'running' && (state.monitor === undefined || !isAlive(state.monitor))
}

/** Become the monitor of a kept container, if it has none. One process gets it, however many try. */
export function adoptContainer(context: ContainerContext, id: string): Promise<void> {
  return context.live.exclusive(id, async () => {
    let mine = false
    const record = await context.store.update(id, current => {
      mine = isLeft(current)
      return mine ? { ...current, state: { ...current.state, monitor: currentProcess() } } : current
    })
    if (record === undefined || !mine) return
    const connection = record.state.guard === undefined ? undefined : connect(context, record, record.state.guard)
    if (connection === undefined) await finish(context, record)
    else await goOn(context, record, connection)
  })
}

interface Connection {
  readonly line: GuardLine
  readonly streams: ProcessStreams
}

/** The guard's descriptors; undefined where the container has ended. */
function connect(
  context: ContainerContext,
  record: ContainerRecord,
  { process: guard, holder }: NonNullable<ContainerRecord['state']['guard']>
): Connection | undefined {
  if (!isAlive(guard)) return undefined
  const opened: number[] = []
  const open = (process: ProcessIdentity, fd: number, flags: number) => {
    const own = openSync(`/proc/${process.pid}/fd/${fd}`, flags | constants.O_NONBLOCK)
    opened.push(own)
    return own
  }
  try {
    const note = open(guard, guardFds.note, constants.O_RDONLY)
    const release = open(guard, guardFds.release, constants.O_WRONLY)
    const folder = context.paths.containerFolder(record.id)
    const streams = record.config.Tty
      ? terminal(context, holder, opened)
      : pipes(
          open(guard, guardFds.stdout, constants.O_RDONLY),
          open(guard, guardFds.stderr, constants.O_RDONLY),
          holder && isAlive(holder) ? open(holder, heldFd, constants.O_WRONLY) : undefined
        )
    if (holder && !record.config.Tty) letGoAtEnd(streams, holder.pid)
    return { line: new GuardLine({ release, note, folder }), streams }
  } catch {
    // It was ending: what it still has it writes down by itself.
    for (const fd of opened) closeSync(fd)
    return undefined
  }
}

function terminal(context: ContainerContext, holder: ProcessIdentity | undefined, opened: number[]): ProcessStreams {
  if (holder === undefined) throw new Error('nobody holds the terminal')
  const master = context.host.copyDescriptor(holder.pid, heldFd)
  opened.push(master)
  return terminalStreams(master)
}

function pipes(stdout: number, stderr: number, stdin: number | undefined): ProcessStreams {
  return pipeStreams({ stdout, stderr, ...(stdin !== undefined && { stdin }) })
}

async function goOn(context: ContainerContext, record: ContainerRecord, { line, streams }: Connection): Promise<void> {
  const { id, config, state } = record
  const io = context.live.io(id, config)
  io.begin(streams, openLog(context, record))
  const run = { process: line.asProcess(state.pid), pid: Promise.resolve(state.pid), release: () => line.release() }
  const network = { state: { endpoints: state.endpoints ?? [] } }
  const oom = watchOom(context, record)
  const health = watchHealth(context, record)
  const ended = watch(context, record, run, { pid: state.pid, network, announced: Promise.resolve(), oom, health })
  context.live.begin(id, config, {
    pid: state.pid,
    ended,
    letGo: () => {
      health?.end()
      line.letGo()
    }
  })
  await adoptNetwork(context, record)
}

/** It ended while nobody was there. */
async function finish(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const { id, hostConfig, state } = record
  const { guard } = state
  const deadline = Date.now() + guardPatienceMs
  while (guard !== undefined && isAlive(guard.process) && Date.now() < deadline) await sleep(10)
  const folder = context.paths.containerFolder(id)
  const { code, at } = readExit(folder)
  if (code === null) {
    await context.oci.remove(id)
    await removeCgroup(context.cgroups, cgroupOf(context.paths, record))
  }
  await appendRest(folder, openLog(context, record))
  const endpoints = state.endpoints ?? []
  await context.networks.disconnect(id, endpoints)
  for (const path of [context.paths.bundle(id), context.paths.rootfs(id)]) rmSync(path, { recursive: true, force: true })
  const exitCode = code ?? unseenExitCode
  const goesAway = hostConfig.AutoRemove ?? false
  const restarting = !goesAway && context.restarts.wants(record, exitCode)
  await recordExit(context, id, { exitCode }, { finishedAt: at.toISOString().replace('Z', '000000Z'), restarting })
  const attributes = { ...containerAttributes(record), exitCode: String(exitCode) }
  context.events.publish({ Type: 'container', Action: 'die', id, attributes })
  announceEndpoints(context, record, 'disconnect', endpoints)
  if (goesAway) {
    await takeAllAway(context, record)
    forgetContainer(context, record)
  } else if (restarting) context.restarts.schedule(context.store.find(id) ?? record)
}

async function appendRest(folder: string, log: LogWriter | undefined): Promise<void> {
  if (log === undefined) return
  for (const stream of ['stdout', 'stderr'] as const) {
    const path = join(folder, `rest.${stream}`)
    if (!existsSync(path)) continue
    for await (const data of createReadStream(path) as AsyncIterable<Buffer>) await log.write({ stream, data })
    rmSync(path, { force: true })
  }
  await log.close()
}
