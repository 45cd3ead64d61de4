import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createEngine, type Engine } from 'gantry'
import { startGantryDaemon } from '../lab/gantry-daemon.js'
import type { Lab } from '../lab/lab.js'
import { inTurns } from './measure.js'
import { report } from './report.js'

const crowd = 50
const extra = 20
const settleMs = 3_000

const execute = promisify(execFile)

/** Fifty containers at once, from nothing to removed: in this process, and by dockerd through the same fluent calls. */
export async function benchMany(lab: Lab): Promise<void> {
  const { reference, host } = needs(lab)
  const root = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  try {
    await using here = await createEngine({ transport: 'in-process', root })
    await using there = await createEngine({ host })
    for (const engine of [here, there]) await engine.image(reference).pull()
    const runAll = (engine: Engine) => async () => {
      const runs = Array.from({ length: crowd }, () => engine.image(reference).run(['true'], { remove: true }))
      for (const { exitCode } of await Promise.all(runs)) if (exitCode !== 0) throw new Error(`true exited with ${exitCode}`)
    }
    const [ours, theirs] = await inTurns([runAll(here), runAll(there)], { rounds: 5, warmUp: 1 })
    if (!ours || !theirs) return
    const peers = [{ name: 'dockerd', samples: theirs }]
    console.log(report({ work: `${crowd} containers at once, run(['true']) on the default bridge, removed`, ours, peers, goal: 10 }))
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** What each container that runs costs beyond its own processes: the engine's growth, and what it keeps running for it. */
export async function benchMemory(lab: Lab): Promise<void> {
  const { reference, host } = needs(lab)
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const daemon = await startGantryDaemon({ folder })
  try {
    const ours = await memoryOfEach(daemon.host, daemon.pid, reference)
    const theirs = await memoryOfEach(host, await initOf(host), reference)
    const text = (kibibytes: number) => `${(kibibytes / 1024).toFixed(2)} MiB`
    console.log(
      `memory for each of ${extra} containers that run (PSS, without their own processes): ` +
        `gantry ${text(ours)} (goal: under 1.5 MiB), dockerd ${text(theirs)}\n`
    )
  } finally {
    await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** In KiB. */
async function memoryOfEach(host: string, engine: number, reference: string): Promise<number> {
  const docker = (...argv: readonly string[]) => execute('docker', argv, { env: { ...process.env, DOCKER_HOST: host } })
  await docker('pull', '-q', reference)
  const names = Array.from({ length: extra }, (_, index) => `bench-memory-${process.pid}-${index}`)
  const runAll = async () => {
    for (const name of names) await docker('run', '-d', '--name', name, '--network', 'none', reference, 'sleep', '1000')
    await sleep(settleMs)
  }
  const removeAll = async () => {
    await docker('rm', '-f', ...names)
    await sleep(settleMs)
  }
  // Once without counting, for what is loaded and reserved once.
  await runAll()
  await removeAll()
  const before = await engineMemory(engine)
  try {
    await runAll()
    return ((await engineMemory(engine)) - before) / extra
  } finally {
    await removeAll()
  }
}

/** PSS of an engine and all that it keeps running but what runs in containers, in KiB. */
export async function engineMemory(engine: number): Promise<number> {
  const processes = await Promise.all((await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(processOf))
  const known = new Map(processes.map(found => [found.pid, found]))
  const depth = known.get(engine)?.namespaces
  const isBelow = (pid: number): boolean => pid === engine || (known.has(pid) && isBelow(known.get(pid)?.parent ?? 0))
  let sum = 0
  for (const { pid, namespaces } of processes) {
    if (namespaces !== depth || !isBelow(pid)) continue
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    sum += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  }
  return sum
}

async function processOf(name: string): Promise<{ readonly pid: number; readonly parent: number; readonly namespaces: number }> {
  const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
  const field = (key: string) => new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(status)?.[1] ?? ''
  // One number for each namespace of processes that it is in.
  return { pid: Number(name), parent: Number(field('PPid')), namespaces: field('NSpid').split(/\s+/).length }
}

/** The first process of dockerd's own namespace, which its shims are children of. */
export async function initOf(host: string): Promise<number> {
  const socket = host.replace('unix://', '')
  for (const name of await readdir('/proc')) {
    const command = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '')
    if (command.startsWith('/usr/bin/docker-init\0') && command.includes(socket)) return Number(name)
  }
  throw new Error(`no dockerd serves ${host}`)
}

function needs(lab: Lab): { readonly reference: string; readonly host: string } {
  const reference = lab.images.busybox
  const host = lab.dockerd?.host
  if (reference === undefined || host === undefined) throw new Error('the bench needs the busybox image and dockerd')
  return { reference, host }
}
