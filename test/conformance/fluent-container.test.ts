// Needs: root and the lab (test/lab).
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

const busy = ['sleep', '1000'] as const

conform('verbs of a container', {
  'pause freezes it, unpause lets it go on, and events tell': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const since = new Date(Date.now() - 1000)
    await container.pause()
    expect((await container.state()).status).toBe('paused')
    await container.unpause()
    expect((await container.state()).status).toBe('running')
    const types: string[] = []
    for await (const event of engine.events({ since, until: new Date(Date.now() + 500) })) {
      if ('id' in event && event.id === container.id && event.type.endsWith('paused')) types.push(event.type)
    }
    expect(types).toEqual(['container.paused', 'container.unpaused'])
  },

  'top lists its processes': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'sleep 1000; true').start()
    await expect.poll(async () => (await container.top()).length).toBe(2)
    const processes = await container.top()
    expect(processes.map(({ command }) => command)).toContain('sleep 1000')
    expect(processes.every(({ pid }) => pid > 1)).toBe(true)
  },

  'stats are numbers, once or as they come': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'while :; do :; done').limits({ cpus: 0.5 }).start()
    const now = await container.stats().now()
    expect(now.at).toBeInstanceOf(Date)
    for (const value of [now.cpuPercent, now.memoryBytes, now.receivedBytes, now.pids]) expect(value).toBeGreaterThanOrEqual(0)
    let seen = 0
    for await (const { cpuPercent } of container.stats({ signal: AbortSignal.timeout(20_000) })) {
      expect(cpuPercent).toBeLessThan(150)
      if (++seen === 2) break
    }
    expect(seen).toBe(2)
  },

  'changes tell what differs from the image': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'echo x > /new; rm /bin/false').start()
    await container.wait()
    const changes = await container.changes()
    expect(changes).toContainEqual({ path: '/new', kind: 'added' })
    expect(changes).toContainEqual({ path: '/bin', kind: 'changed' })
    expect(changes).toContainEqual({ path: '/bin/false', kind: 'deleted' })
  },

  'limits can be changed while it runs': async ({ image }) => {
    const container = await image
      .cmd(...busy)
      .limits({ memory: '64m' })
      .start()
    await container.update({ memory: '128m', pids: 50 })
    const { HostConfig } = await container.inspect()
    expect([HostConfig.Memory, HostConfig.PidsLimit]).toEqual([128 * 1024 ** 2, 50])
    await expectError(container.update({}), 'invalid_argument')
  },

  'export gives its file system as an archive, to a file or a stream': async ({ image }) => {
    const container = await image.cmd('true').create()
    const folder = await mkdtemp(join(tmpdir(), 'gantry-export-'))
    try {
      await container.export(join(folder, 'root.tar'))
      expect((await readFile(join(folder, 'root.tar'))).subarray(257, 262).toString()).toBe('ustar')
    } finally {
      await rm(folder, { recursive: true })
    }
    let bytes = 0
    const counting = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        bytes += chunk.length
        callback()
      }
    })
    await container.export(counting)
    expect(bytes).toBeGreaterThan(100_000)
  },

  'commit makes an image of it, whose history says so': async ({ image, unique }) => {
    const container = await image.cmd('sh', '-c', 'echo kept > /file').start()
    await container.wait()
    const reference = `${unique()}:1`
    const made = await container.commit(reference, { message: 'why', author: 'me', changes: ['CMD ["cat", "/file"]'] })
    try {
      expect(made.reference).toBe(reference)
      expect(made.tags).toContain(reference)
      expect(await made.run({ remove: true }).text()).toBe('kept\n')
      const [step] = await made.history()
      expect(step?.created).toBeInstanceOf(Date)
    } finally {
      await made.remove({ force: true })
    }
  },

  'a health check is heard of in its state and its events': async ({ image }) => {
    const container = await image
      .cmd(...busy)
      .health(['true'], { interval: '1s', timeout: '5s', retries: 1 })
      .start()
    await expect.poll(async () => (await container.state()).health, { timeout: 20_000 }).toBe('healthy')
  },

  'a restart policy starts it again': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'sleep 0.2; exit 3').restart('on-failure', 2).start()
    await expect.poll(async () => (await container.inspect()).RestartCount, { timeout: 20_000 }).toBe(2)
    await expect.poll(async () => (await container.state()).status, { timeout: 20_000 }).toBe('exited')
    expect((await container.state()).exitCode).toBe(3)
  }
})
