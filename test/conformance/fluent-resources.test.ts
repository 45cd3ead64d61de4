// Needs: root and the lab (test/lab).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { host, tmpfs } from 'gantry'
import { NetworkInspect, VolumeInspect } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

const busy = ['sleep', '1000'] as const

conform('networks, volumes and scopes as objects', {
  'containers on one network find each other by name and alias': async ({ engine, image, unique }) => {
    await using network = await engine.network(unique())
    const name = unique('api')
    await using _server = await image
      .network(network, { alias: ['backend'] })
      .cmd(...busy)
      .start({ name })
    const client = image.network(network)
    expect((await client.run(['ping', '-c', '1', '-w', '5', name], { remove: true })).exitCode).toBe(0)
    expect((await client.run(['ping', '-c', '1', '-w', '5', 'backend'], { remove: true })).exitCode).toBe(0)
  },

  'a container can be on several networks, and be connected and disconnected while it runs': async ({ engine, image, unique }) => {
    await using front = await engine.network(unique())
    await using back = await engine.network(unique(), { internal: true })
    await using late = await engine.network(unique())
    await using container = await image
      .network(front)
      .network(back, { alias: 'b' })
      .cmd(...busy)
      .start()
    const names = async () => Object.keys((await container.inspect()).NetworkSettings.Networks).sort()
    expect(await names()).toEqual([front.name, back.name].sort())
    await container.network.connect(late, { alias: 'late' })
    await container.network.disconnect(front)
    expect(await names()).toEqual([back.name, late.name].sort())
  },

  'a fixed address is given': async ({ engine, image, unique }) => {
    await using network = await engine.network(unique(), { subnet: '10.213.7.0/24' })
    const shown = await image.network(network, { ipv4: '10.213.7.77' }).run(['ip', '-4', 'addr'], { remove: true }).text()
    expect(shown).toContain('10.213.7.77/24')
  },

  'a volume keeps what was written to it, and is told about': async ({ engine, image, unique }) => {
    await using volume = await engine.volume(unique())
    await image.mount('/data', volume).run(['sh', '-c', 'echo kept > /data/file'], { remove: true })
    expect(await image.mount('/data', volume).run(['cat', '/data/file'], { remove: true }).text()).toBe('kept\n')
    const again = await engine.volume(volume.name)
    expect(again.name).toBe(volume.name)
    expect((await volume.usage()).sizeBytes).toBeGreaterThan(0)
  },

  'folders of the host and file systems in memory are mounted': async ({ image }) => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-host-'))
    try {
      await writeFile(join(folder, 'file'), 'from the host\n')
      const spec = image.mount('/host', host(folder, { readonly: true })).mount('/memory', tmpfs({ size: '1m' }))
      const { exitCode, stdout } = await spec.run(['sh', '-c', 'cat /host/file; df -k /memory | tail -1; ! touch /host/x 2>&1'], {
        remove: true
      })
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(/from the host\n\S+\s+1024/)
    } finally {
      await rm(folder, { recursive: true })
    }
  },

  'a published port is told, and again after a restart': async ({ image }) => {
    await using container = await image.port(8080).cmd('sh', '-c', 'while :; do echo hi | nc -l -p 8080; done').start()
    const port = container.port(8080)
    expect(port).toBeGreaterThan(0)
    expect(container.url(8080)).toBe(`http://${container.host}:${port}`)
    expect(container.url('8080/tcp', 'redis')).toBe(`redis://${container.host}:${port}`)
    await container.restart({ grace: 0 })
    expect(container.port(8080)).toBeGreaterThan(0)
    expect(() => container.port(81)).toThrow(/does not publish 81\/tcp/)
  },

  'what a scope made goes away with it, and the rest stays': async ({ engine, image, unique }) => {
    const outside = await image.cmd(...busy).create()
    const scope = engine.scope('suite')
    const inside = await scope
      .image(image.reference)
      .cmd(...busy)
      .start()
    const network = await scope.network(unique())
    const volume = await scope.volume(unique())
    const kept = await scope.volume(unique(), { keep: true })
    await scope.close()
    await expectError(engine.container(inside.id), 'not_found')
    await expectError(engine.raw.call(NetworkInspect, { path: { id: network.id } }), 'not_found')
    await expectError(engine.raw.call(VolumeInspect, { path: { name: volume.name } }), 'not_found')
    expect((await engine.raw.call(VolumeInspect, { path: { name: kept.name } })).Name).toBe(kept.name)
    await (await engine.volume(kept.name)).remove()
    expect((await outside.state()).status).toBe('created')
  },

  "a volume that was there before is not the session's to remove": async ({ engine, open, unique }) => {
    const volume = await engine.volume(unique())
    const other = await open()
    expect((await other.volume(volume.name)).name).toBe(volume.name)
    await other.close()
    expect((await engine.raw.call(VolumeInspect, { path: { name: volume.name } })).Name).toBe(volume.name)
    await volume.remove()
  }
})
