// Needs: root on Linux and the lab's registry (test/lab).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine } from 'gantry'
import { keepLabel, NetworkDelete, NetworkList } from 'gantry/api'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.images.busybox !== undefined

/** Makes networks and containers on them with published ports, says so, and waits to be killed. */
const program = `
import { createEngine } from 'gantry'
import { ContainerCreate, ContainerStart, NetworkCreate } from 'gantry/api'
const [root, Image, keepLabel] = process.argv.slice(1)
const engine = await createEngine({ transport: 'in-process', root })
await engine.image(Image).pull({ policy: 'missing' })
await engine.raw.call(NetworkCreate, { body: { Name: 'mine' } })
await engine.raw.call(NetworkCreate, { body: { Name: 'kept', Labels: { [keepLabel]: 'true' } } })
for (const NetworkMode of ['mine', 'kept', 'bridge']) {
  const HostConfig = { NetworkMode, PortBindings: { '80/tcp': [{}], '80/udp': [{}] } }
  const { Id: id } = await engine.raw.call(ContainerCreate, { body: { Image, Cmd: ['sleep', '1000'], HostConfig } })
  await engine.raw.call(ContainerStart, { path: { id } })
}
console.log('up')
setInterval(() => {}, 1000)
`

describe.skipIf(!runsHere)('an engine that is killed with networks, names and ports in use (needs root, lab)', () => {
  let folder: string
  let root: string
  let before: HostSnapshot
  let child: ChildProcess | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-killed-'))
    root = join(folder, 'root')
    before = await snapshotHost({ roots: [root] })
  })

  afterEach(async () => {
    child?.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  it('leaves nothing once another engine was here, but the network that was to be kept', async () => {
    const running = spawn(process.execPath, ['--input-type=module', '-e', program, root, lab.images.busybox ?? '', keepLabel], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    child = running
    await once(running.stdout, 'data')
    running.kill('SIGKILL')
    await once(running, 'exit')

    const engine = await createEngine({ transport: 'in-process', root })
    const names = (await engine.raw.call(NetworkList, {})).map(({ Name }) => Name).sort()
    expect(names).toEqual(['bridge', 'host', 'kept', 'none'])
    await engine.close()
    expect(await leftoversSince(before, { roots: [root] })).toEqual([])

    const again = await createEngine({ transport: 'in-process', root })
    await again.raw.call(NetworkDelete, { path: { id: 'kept' } })
    await again.close()
    expect(await leftoversSince(before, { roots: [root] })).toEqual([])
  })
})
