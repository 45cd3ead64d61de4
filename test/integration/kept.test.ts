// Needs: root and the lab (test/lab): containers that outlive the daemon that started them, SIGKILL included.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, type Engine } from 'gantry'
import { ContainerAttach } from 'gantry/api'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { eventually } from '../conformance/kit/streams.js'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'

const lab = inject('lab')
const obstacle = process.getuid?.() === 0 && lab.images.busybox !== undefined ? undefined : 'needs root and the lab'

describe.skipIf(obstacle !== undefined)(`kept containers${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let folder: string
  let before: HostSnapshot
  let daemon: GantryDaemon
  let engine: Engine
  const open = async () => {
    daemon = await startGantryDaemon({ folder })
    engine = await createEngine({ host: daemon.host })
  }
  /** As a machine that runs out of memory ends it. */
  const killDaemon = async () => {
    process.kill(daemon.pid, 'SIGKILL')
    await daemon.stop().catch(() => {})
    await engine.close().catch(() => {})
  }
  const busybox = () => engine.image(lab.images.busybox ?? '')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-kept-'))
    before = await snapshotHost({ roots: [join(folder, 'root')] })
    await open()
    await busybox().pull()
  })
  afterAll(async () => {
    await engine.close()
    await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('run on when the daemon is killed; what they say meanwhile is in the logs, and they can be worked with', async () => {
    const script = 'n=0; while :; do n=$((n+1)); echo line $n; sleep 0.2; done'
    const { id } = await busybox().cmd('sh', '-c', script).start({ keep: true })
    const { Pid } = (await (await engine.container(id)).inspect()).State
    await killDaemon()
    await sleep(1_000)
    await open()
    const found = await engine.container(id)
    expect((await found.inspect()).State).toMatchObject({ Status: 'running', Pid })
    const lines = async () => (await found.logs().text()).trim().split('\n')
    await eventually(async () => (await lines()).length > 8)
    expectInOrder(await lines())
    await found.stop({ grace: 0 })
    expect(await found.state()).toMatchObject({ status: 'exited', exitCode: 137 })
    await found.remove()
  })

  it.each([
    { Type: 'json-file', Config: { 'max-size': '1k', 'max-file': '20', compress: 'true' } },
    { Type: 'local', Config: { 'max-size': '1k', 'max-file': '20' } }
  ])('go on with the files of their log when the daemon is killed: %o', async LogConfig => {
    const script = 'n=0; while :; do n=$((n+1)); echo line $n; sleep 0.05; done'
    const spec = busybox().raw({ HostConfig: { LogConfig } })
    const { id } = await spec.cmd('sh', '-c', script).start({ keep: true })
    await sleep(1_500)
    await killDaemon()
    await sleep(1_000)
    await open()
    const found = await engine.container(id)
    const lines = async () => (await found.logs().text()).trim().split('\n')
    await eventually(async () => (await lines()).length > 80)
    expectInOrder(await lines())
    await found.remove({ force: true })
  })

  it('that end while no daemon lives keep their exit code, their time and their last words', async () => {
    const { id } = await busybox().cmd('sh', '-c', 'echo begun; sleep 1; echo out; echo err >&2; exit 9').start({ keep: true })
    // What was read of the pipe and not written yet dies with the daemon.
    const started = await engine.container(id)
    await eventually(async () => (await started.logs().text()) === 'begun\n')
    await killDaemon()
    const killedAt = Date.now()
    await sleep(2_500)
    await open()
    const found = await engine.container(id)
    const { State } = await found.inspect()
    expect(State).toMatchObject({ Status: 'exited', ExitCode: 9 })
    const finished = Date.parse(State.FinishedAt ?? '')
    expect(finished - killedAt).toBeLessThan(2_000)
    const text = await found.logs().text()
    expect(text.split('\n').sort()).toEqual(['', 'begun', 'err', 'out'])
    await found.remove()
  })

  it('keep their stdin, and its end ends them', async () => {
    const kept = await busybox()
      .raw({ Config: { OpenStdin: true, StdinOnce: true } })
      .cmd('cat')
      .start({ keep: true })
    await killDaemon()
    await open()
    const found = await engine.container(kept.id)
    const query = { stream: true, stdin: true, stdout: true }
    const connection = await engine.raw.call(ContainerAttach, { path: { id: kept.id }, query })
    await connection.write(Buffer.from('still here\n'))
    await connection.closeWrite()
    let text = ''
    for await (const { data } of connection.output) text += Buffer.from(data).toString('utf8')
    expect(text).toBe('still here\n')
    expect(await found.wait()).toEqual({ exitCode: 0 })
    await found.remove()
  })

  it('keep their terminal', async () => {
    const kept = await busybox().cmd('sh').start({ keep: true, tty: true })
    await killDaemon()
    await open()
    const query = { stream: true, stdin: true, stdout: true }
    const connection = await engine.raw.call(ContainerAttach, { path: { id: kept.id }, query }, {})
    await connection.write(Buffer.from('echo $((6*7)); exit 5\n'))
    let text = ''
    for await (const { data } of connection.output) text += Buffer.from(data).toString('utf8')
    expect(text).toContain('\r\n42\r\n')
    const found = await engine.container(kept.id)
    expect((await found.wait()).exitCode).toBe(5)
    await found.remove()
  })

  it('are started again by their policy, before and after the daemon was killed, and not when somebody stopped them', async () => {
    const { id } = await busybox()
      .raw({ HostConfig: { RestartPolicy: { Name: 'always' } } })
      .cmd('sh', '-c', 'sleep 0.3')
      .start({ keep: true })
    const count = async () => (await (await engine.container(id)).inspect()).RestartCount ?? 0
    await eventually(async () => (await count()) >= 1)
    await killDaemon()
    await sleep(1_000)
    await open()
    const counted = await count()
    await eventually(async () => (await count()) > counted)
    const found = await engine.container(id)
    await found.stop({ grace: 0 })
    const stopped = await count()
    await sleep(1_000)
    expect([await count(), (await found.state()).status]).toEqual([stopped, 'exited'])
    await found.remove()
  })

  it('are gone when they are removed, and a daemon that is stopped in order leaves nothing of itself', async () => {
    for await (const container of engine.containers({ all: true })) await container.remove({ force: true })
    await engine.close()
    await daemon.stop()
    expect(await leftoversSince(before, { roots: [join(folder, 'root')] })).toEqual([])
    await open()
  })
})

/**
 * Nothing twice, nothing in another order, and nothing lost but the one line that the killed daemon may have read of the pipe and not yet written,
 * as with dockerd.
 */
function expectInOrder(said: readonly string[]): void {
  const numbers = said.map(line => Number(/^line (\d+)$/.exec(line)?.[1]))
  const all = Array.from({ length: numbers.at(-1) ?? 0 }, (_, index) => index + 1)
  const lost = all.filter(number => !numbers.includes(number))
  expect(lost.length).toBeLessThanOrEqual(1)
  expect(numbers).toEqual(all.filter(number => !lost.includes(number)))
}
