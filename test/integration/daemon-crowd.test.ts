import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'

// Needs: root, prlimit; busybox from the lab and the docker command for one of them.

const execute = promisify(execFile)
const image = inject('lab').images.busybox ?? ''
const clientFile = fileURLToPath(new URL('daemon-crowd-client.mjs', import.meta.url))

/** So many in one process stay within what a process may usually have. */
const perProcess = 2000

/** How long anybody else may be kept waiting, in milliseconds: mostly, and at the worst, behind those that the kernel has queued. */
const patienceMs = { usual: 500, worst: 5000 }

describe.skipIf(process.getuid?.() !== 0)('a daemon whose socket a crowd connects to', () => {
  let folder: string
  let daemon: GantryDaemon | undefined
  const crowds: Crowd[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-crowd-'))
  })
  afterEach(async () => {
    for (const crowd of crowds.splice(0)) await crowd.leave()
    await daemon?.stop()
    daemon = undefined
    await rm(folder, { recursive: true, force: true })
  })

  const start = async (descriptors?: number) => {
    daemon = await startGantryDaemon({ folder, ...(descriptors !== undefined && { descriptors }) })
    return { pid: daemon.pid, path: daemon.host.replace('unix://', '') }
  }
  const crowdOf = async (path: string, count: number, text?: string) => {
    const crowd = await gather(path, count, text)
    crowds.push(crowd)
    return crowd
  }

  it.each([20_000, 1024, 256])('bears 10000 that say nothing with %i descriptors, and answers others', async descriptors => {
    const { pid, path } = await start(descriptors)
    const before = await descriptorsOf(pid)
    const crowd = await crowdOf(path, 10_000)
    expect((await crowd.tell()).connected).toBeGreaterThan(9000)
    const times: number[] = []
    for (let count = 0; count < 20; count++) {
      const { status, tookMs } = await get(path, '/info')
      expect(status).toBe(200)
      times.push(tookMs)
    }
    times.sort((a, b) => a - b)
    expect(times[10]).toBeLessThan(patienceMs.usual)
    expect(times[19]).toBeLessThan(patienceMs.worst)
    expect(await processorMs(pid, 2000)).toBeLessThan(400)
    await crowd.leave()
    await expect.poll(() => descriptorsOf(pid), { timeout: 10_000 }).toBeLessThanOrEqual(before + 2)
  })

  it.skipIf(image === '')('has descriptors left for images and containers', async () => {
    const { path } = await start(1024)
    const docker = (...argv: readonly string[]) =>
      execute('docker', argv, { env: { ...process.env, DOCKER_HOST: `unix://${path}`, DOCKER_CONFIG: folder } })
    await crowdOf(path, 10_000)
    await docker('pull', '-q', image)
    const runs = Array.from({ length: 20 }, (_, number) => docker('run', '--rm', image, 'echo', String(number)))
    const said = (await Promise.all(runs)).map(({ stdout }) => stdout.trim())
    expect(said).toEqual(Array.from({ length: 20 }, (_, number) => String(number)))
  })

  it('gives memory back: one crowd after the other takes no more than the first', async () => {
    const { pid, path } = await start()
    const round = async () => {
      const crowd = await crowdOf(path, 10_000)
      await crowd.leave()
      await expect.poll(() => descriptorsOf(pid), { timeout: 10_000 }).toBeLessThan(100)
      // Longer than the daemon waits before it collects.
      await sleep(3000)
      return memoryMiB(pid)
    }
    const first = await round()
    const later = [await round(), await round(), await round()]
    console.log(`after crowds of 10000: ${[first, ...later].join(', ')} MiB`)
    expect(Math.max(...later)).toBeLessThan(first + 24)
  })

  it('turns newcomers away with a word when all that it may have are in use, and goes on when they leave', async () => {
    const { path } = await start(400)
    const crowd = await crowdOf(path, 400, 'GET /events HTTP/1.1\r\nHost: d\r\n\r\n')
    // Who writes before reading what the daemon has said finds the connection closed.
    const turnedAway = async () => (await crowd.tell()).refused + (await crowd.tell()).failed
    await expect.poll(turnedAway, { timeout: 10_000 }).toBeGreaterThan(50)
    // What asked whether the daemon is up yet may have had a place among them, and have left it since.
    const rest = await crowdOf(path, 20, 'GET /events HTTP/1.1\r\nHost: d\r\n\r\n')
    // Now and then the connection is closed before this client has written its question.
    const answer = async () => get(path, '/info').catch(() => undefined)
    await expect.poll(answer, { timeout: 10_000 }).toMatchObject({ status: 503, body: expect.stringContaining('too many connections') })
    await Promise.all([crowd.leave(), rest.leave()])
    await expect.poll(async () => (await answer())?.status, { timeout: 10_000 }).toBe(200)
  })

  it('closes no connection on which something is going on', async () => {
    const { path } = await start(256)
    const listeners = await crowdOf(path, 50, 'GET /events HTTP/1.1\r\nHost: d\r\n\r\n')
    await crowdOf(path, 2000)
    await sleep(1200)
    await crowdOf(path, 200)
    expect((await listeners.tell()).closed).toBe(0)
  })
})

interface CrowdState {
  readonly connected: number
  readonly closed: number
  readonly failed: number
  readonly refused: number
}

interface Crowd {
  /** What became of its connections. */
  tell(): Promise<CrowdState>
  /** Idempotent. */
  leave(): Promise<void>
}

/** Connections of several processes, all of them made when this resolves. */
async function gather(path: string, count: number, text = ''): Promise<Crowd> {
  const shares = Array.from({ length: Math.ceil(count / perProcess) }, (_, index) => Math.min(perProcess, count - index * perProcess))
  const members = shares.map(share => {
    const child = spawn(process.execPath, [clientFile, path, String(share), text], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const ended = once(child, 'exit')
    // Each line is an object of the client's own making.
    const next = async () => JSON.parse((await lines.next()).value ?? '{}') as CrowdState
    return { child, next, ended }
  })
  await Promise.all(members.map(({ next }) => next()))
  return {
    async tell() {
      for (const { child } of members) child.stdin.write('\n')
      const states = await Promise.all(members.map(({ next }) => next()))
      const sum = (name: keyof CrowdState) => states.reduce((total, state) => total + state[name], 0)
      return { connected: sum('connected'), closed: sum('closed'), failed: sum('failed'), refused: sum('refused') }
    },
    async leave() {
      for (const { child } of members) child.stdin.end()
      await Promise.all(members.map(({ ended }) => ended))
    }
  }
}

function get(socketPath: string, path: string): Promise<{ readonly status: number; readonly body: string; readonly tookMs: number }> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, response => {
      let body = ''
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, tookMs: performance.now() - begun }))
    })
      .on('error', reject)
      .end()
  })
}

async function descriptorsOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}

async function memoryMiB(pid: number): Promise<number> {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024)
}

/** Processor time that a process takes meanwhile, in milliseconds. */
async function processorMs(pid: number, duringMs: number): Promise<number> {
  const ticks = async () => {
    const fields = (await readFile(`/proc/${pid}/stat`, 'latin1')).replace(/^.*\) /, '').split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = await ticks()
  await sleep(duringMs)
  return ((await ticks()) - before) * 10
}
