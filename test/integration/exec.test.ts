// Needs: root on Linux and the lab's busybox image (test/lab).
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine } from 'gantry'
import { ContainerCreate, ContainerExec, ContainerTop, ExecInspect, ExecStart, SystemEvents } from 'gantry/api'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { collect, eventually } from '../conformance/kit/streams.js'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'

const lab = inject('lab')
const reference = lab.images.busybox ?? ''
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && reference !== ''

let root: string
let before: HostSnapshot

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gantry-exec-'))
  before = await snapshotHost({ roots: [root] })
})

afterEach(async () => {
  const left = await leftoversSince(before, { roots: [root] })
  if (left.length > 0) await (await createEngine({ transport: 'in-process', root })).close()
  await rm(root, { recursive: true, force: true })
  expect(left).toEqual([])
})

async function withEngine(work: (engine: Engine) => Promise<void>): Promise<void> {
  await using engine = await createEngine({ transport: 'in-process', root })
  await engine.image(reference).pull({ policy: 'missing' })
  await work(engine)
}

/** Actions of a container's events since then, until one of them is `last`. */
async function actionsUntil(engine: Engine, { id, last }: { readonly id: string; readonly last: string }): Promise<string[]> {
  const actions: string[] = []
  for await (const { Action = '' } of await engine.raw.call(SystemEvents, { query: { since: '1', filters: { container: [id] } } })) {
    actions.push(Action)
    if (Action === last) break
  }
  return actions
}

describe.skipIf(!runsHere)("exec (needs root and the lab's busybox image)", () => {
  it('detach keys leave the terminal of a process that goes on, and are an event', async () => {
    await withEngine(async engine => {
      const { id } = await engine.image(reference).cmd('sleep', '1000').start()
      const body = { Cmd: ['sleep', '1234'], Tty: true, AttachStdin: true, AttachStdout: true, DetachKeys: 'ctrl-x,y' }
      const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body })
      const connection = await engine.raw.call(ExecStart, { path: { id: Id }, body: { Tty: true } })
      await connection.write(Buffer.from('\x18y'))
      await collect(connection.output)
      expect(await engine.raw.call(ExecInspect, { path: { id: Id } })).toMatchObject({ Running: true, ExitCode: null })
      expect((await engine.raw.call(ContainerTop, { path: { id } })).Processes.some(row => row.at(-1) === 'sleep 1234')).toBe(true)
      expect(await actionsUntil(engine, { id, last: 'exec_detach' })).toContain('exec_detach')
    })
  })

  it('an engine that is killed in the middle of one leaves no process and no control group behind', async () => {
    const script = `
      import { createEngine } from 'gantry'
      import { ContainerExec, ExecStart } from 'gantry/api'
      const engine = await createEngine({ transport: 'in-process', root: process.env.ROOT })
      await engine.image(process.env.IMAGE).pull({ policy: 'missing' })
      const { id } = await engine.image(process.env.IMAGE).cmd('sleep', '1000').start()
      const body = { Cmd: ['sh', '-c', 'echo begun; sleep 4321'], AttachStdout: true }
      const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body })
      const { output } = await engine.raw.call(ExecStart, { path: { id: Id }, body: {} })
      for await (const { data } of output) process.stdout.write(data)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: new URL('.', import.meta.url),
      env: { ...process.env, ROOT: root, IMAGE: reference },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let text = ''
    for await (const chunk of child.stdout) {
      text += String(chunk)
      if (text === 'begun\n') child.kill('SIGKILL')
    }
    expect(text).toBe('begun\n')
    await withEngine(async engine => {
      expect(await collect(engine.containers({ all: true }))).toEqual([])
      await eventually(async () => !(await isRunning('sleep 4321')))
    })
  })
})

describe.skipIf(!runsHere)("want of memory (needs root and the lab's busybox image)", () => {
  const bytes = 16 * 1024 ** 2

  async function start(engine: Engine, Cmd: readonly string[]) {
    const body = { Image: reference, Cmd, HostConfig: { Memory: bytes, MemorySwap: bytes } }
    const container = await engine.container((await engine.raw.call(ContainerCreate, { body })).Id)
    await container.start()
    return container
  }

  it('that ends the container is in its record, and an event before its end', async () => {
    await withEngine(async engine => {
      const container = await start(engine, ['tail', '/dev/zero'])
      await container.wait()
      expect((await container.inspect()).State).toMatchObject({ OOMKilled: true, ExitCode: 137 })
      expect((await actionsUntil(engine, { id: container.id, last: 'die' })).slice(-2)).toEqual(['oom', 'die'])
    })
  })

  it('that ends another of its processes is told while it goes on', async () => {
    await withEngine(async engine => {
      const container = await start(engine, ['sh', '-c', 'tail /dev/zero; sleep 1000'])
      await eventually(async () => (await container.inspect()).State?.OOMKilled)
      expect((await container.inspect()).State).toMatchObject({ Status: 'running' })
    })
  })

  it('is not what a kill is taken for', async () => {
    await withEngine(async engine => {
      const container = await start(engine, ['sleep', '1000'])
      await container.kill()
      expect((await container.inspect()).State).toMatchObject({ OOMKilled: false, ExitCode: 137 })
    })
  })
})

async function isRunning(command: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.some(line => line.replace(/\0$/, '').replaceAll('\0', ' ') === command)
}
