import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startGantryDaemon } from '../lab/gantry-daemon.js'
import type { Lab } from '../lab/lab.js'

const connections = 16
const roundMs = 1500
const rounds = 5
const idleMs = 3000

const execute = promisify(execFile)

/** Requests a second of inspect and list, 16 at once, of the daemon and of dockerd through the same client; memory of the idle daemon. */
export async function benchDaemon(lab: Lab): Promise<void> {
  const reference = lab.images.busybox
  const docked = lab.dockerd?.host
  if (reference === undefined || docked === undefined) throw new Error('the bench needs the busybox image and dockerd')
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const daemon = await startGantryDaemon({ folder })
  try {
    await sleep(idleMs)
    console.log(`the daemon, idle: ${await memoryOf(daemon.pid)} (goal: under 57 MiB)\n`)
    const hosts = [
      ['gantry', daemon.host],
      ['dockerd', docked]
    ] as const
    for (const [, host] of hosts) await startContainer(host, reference)
    for (const [work, path] of [
      ['inspect', '/containers/bench/json'],
      ['list', '/containers/json']
    ] as const) {
      const rates: Record<string, number[]> = { gantry: [], dockerd: [] }
      for (let round = -1; round < rounds; round++) {
        for (const [name, host] of hosts) {
          const rate = await requestsPerSecond(host, path)
          if (round >= 0) rates[name]?.push(rate)
        }
      }
      const [ours = 0, theirs = 0] = hosts.map(([name]) => median(rates[name] ?? []))
      console.log(
        `${work}, ${connections} at once: gantry ${ours.toFixed(0)}/s, dockerd ${theirs.toFixed(0)}/s: ${(ours / theirs).toFixed(2)}x (goal 1x)`
      )
    }
    console.log(`\nthe daemon, after these requests: ${await memoryOf(daemon.pid)}`)
    for (const [, host] of hosts) await docker(host, 'rm', '-f', 'bench')
  } finally {
    await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function startContainer(host: string, reference: string): Promise<void> {
  await docker(host, 'pull', '-q', reference)
  await docker(host, 'run', '-d', '--name', 'bench', '--network', 'none', reference, 'sleep', '1000')
}

async function docker(host: string, ...argv: readonly string[]): Promise<void> {
  await execute('docker', argv, { env: { ...process.env, DOCKER_HOST: host } })
}

async function requestsPerSecond(host: string, path: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const socketPath = host.replace('unix://', '')
  const once = () =>
    new Promise<void>((resolve, reject) => {
      request({ socketPath, path, agent }, response => {
        response.resume()
        response.on('end', resolve)
        response.on('error', reject)
      })
        .on('error', reject)
        .end()
    })
  const from = performance.now()
  let count = 0
  const worker = async () => {
    while (performance.now() - from < roundMs) {
      await once()
      count++
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - from) / 1000
  agent.destroy()
  return count / seconds
}

async function memoryOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mebibytes = (field: string) => (Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024).toFixed(0)
  return `PSS ${mebibytes('Pss')} MiB (of it its own, not shared with other processes of node: ${mebibytes('Pss_Anon')}), RSS ${mebibytes('Rss')} MiB`
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
