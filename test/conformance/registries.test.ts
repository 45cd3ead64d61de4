// Needs: what a subject needs. The registry is Gantry's own: dockerd has no call for it, and says so.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine, RegistryServer, RegistryServerOptions } from 'gantry'
import { RegistryList } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'

/** Undefined where the engine is no Gantry, which has to be said. */
async function served(engine: Engine, options: RegistryServerOptions): Promise<RegistryServer | undefined> {
  const { version } = await engine.info()
  if (/^0\./.test(version)) return engine.registry(options)
  await expect(engine.registry(options)).rejects.toMatchObject({ code: 'not_supported' })
  return undefined
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-registries-'))
  await work(folder).finally(() => rm(folder, { recursive: true, force: true }))
}

conform('registries of an engine', {
  'a registry is served until it is closed, and keeps what it has': ({ engine }) =>
    withFolder(async storage => {
      const registry = await served(engine, { storage })
      if (registry === undefined) return
      const base = `http://${registry.address}/v2`
      const began = await fetch(`${base}/a/blobs/uploads/`, { method: 'POST' })
      expect(began.status).toBe(202)
      await registry.close()
      await registry.close()
      await expect(fetch(`${base}/`)).rejects.toThrow()
      await using again = await engine.registry({ storage })
      expect((await fetch(new URL(began.headers.get('location') ?? '', `http://${again.address}`))).status).toBe(204)
    }),

  'a registry ends with the engine that made it': async ({ open }) =>
    withFolder(async storage => {
      const own = await open()
      const registry = await served(own, { storage, auth: { me: 'secret' } })
      if (registry === undefined) return
      expect((await fetch(`http://${registry.address}/v2/`)).status).toBe(401)
      await own.close()
      await expect(fetch(`http://${registry.address}/v2/`)).rejects.toThrow()
    }),

  'registries are listed, without what nobody has to know': ({ engine }) =>
    withFolder(async storage => {
      const registry = await served(engine, { storage, auth: { me: 'secret' }, readOnly: true })
      if (registry === undefined) return
      const all = await engine.raw.call(RegistryList, {})
      expect(all).toEqual([
        {
          Id: expect.stringMatching(/^[0-9a-f]{32}$/),
          Address: registry.address,
          Storage: storage,
          TLS: false,
          ReadOnly: true,
          Proxy: '',
          Labels: expect.any(Object)
        }
      ])
      await registry.close()
      expect(await engine.raw.call(RegistryList, {})).toEqual([])
    }),

  'what cannot be served is refused by name': ({ engine }) =>
    withFolder(async storage => {
      const registry = await served(engine, { storage })
      if (registry === undefined) return
      const port = Number(registry.address.split(':')[1])
      await expect(engine.registry({ storage, port })).rejects.toMatchObject({ code: 'conflict' })
      await expect(engine.registry({ storage, port: 70_000 })).rejects.toThrow('registry.port: expected a port')
      await expect(engine.registry({ storage, anonymousPull: true })).rejects.toThrow(
        'AnonymousPull: it has a meaning only where there are Users'
      )
      await expect(engine.registry({ storage, proxy: 'registry.example' })).rejects.toThrow(/^proxy: "registry.example" is not written as/)
      await expect(engine.registry({ storage, tls: { cert: '/nowhere', key: 'x' } })).rejects.toThrow('registry.tls.cert: ENOENT')
      await expect(engine.registry({ storage, htpasswd: 'me:$2y$x' })).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(engine.registry({ storage: '/dev/null/x' })).rejects.toMatchObject({ code: 'failed' })
      await registry.close()
    })
})
