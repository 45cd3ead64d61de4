// Needs: root and the lab (test/lab).
import type { Engine } from 'gantry'
import { ContainerChanges, ContainerCreate, type ContainerCreateRequest, ContainerDelete, ContainerStart, ContainerWait } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

/** A container in which this was done. */
async function done(engine: Engine, body: ContainerCreateRequest): Promise<string> {
  const { Id: id } = await engine.raw.call(ContainerCreate, { body })
  await engine.raw.call(ContainerStart, { path: { id } })
  await engine.raw.call(ContainerWait, { path: { id } })
  return id
}

const sh = (script: string) => ['sh', '-c', script]

/** As `docker diff` writes them, in order. */
async function diff(engine: Engine, id: string): Promise<string[]> {
  const changes = (await engine.raw.call(ContainerChanges, { path: { id } })) ?? []
  return changes.map(({ Path, Kind }) => `${'CAD'[Kind]} ${Path}`).sort()
}

const rm = (engine: Engine, id: string) => engine.raw.call(ContainerDelete, { path: { id }, query: { force: true, v: true } })

conform('changes and commit', {
  'changes are what was added, changed and deleted, with the folders around it': async ({ engine, image, reference }) => {
    await image.pull()
    const id = await done(engine, {
      Image: reference('busybox'),
      Cmd: sh(
        'echo a >/new; echo x >>/etc/passwd; rm /bin/ls; mkdir -p /a/b/c; echo 1 >/a/b/c/f; mv /etc/group /etc/group2; chmod 700 /home; ' +
          'rm -r /var; mkdir /var; echo h >/var/h; rm -r /usr; ln -s /x /lnk; mkfifo /fifo; mkdir /tmp/k; echo t >/tmp/gone; rm /tmp/gone'
      )
    })
    expect(await diff(engine, id)).toEqual(
      [
        ...['A /a', 'A /a/b', 'A /a/b/c', 'A /a/b/c/f', 'A /etc/group2', 'A /fifo', 'A /lnk', 'A /new', 'A /tmp/k', 'A /var/h'],
        ...['C /bin', 'C /etc', 'C /etc/passwd', 'C /home', 'C /tmp', 'C /var'],
        ...['D /bin/ls', 'D /etc/group', 'D /usr', 'D /var/tmp']
      ].sort()
    )
    await rm(engine, id)
  },

  'a container that changed nothing has no changes': async ({ engine, image, reference }) => {
    await image.pull()
    const id = await done(engine, { Image: reference('busybox'), Cmd: ['true'] })
    expect(await engine.raw.call(ContainerChanges, { path: { id } })).toBeNull()
    await rm(engine, id)
    await expectError(engine.raw.call(ContainerChanges, { path: { id } }), 'not_found', /No such container/)
  },

  'what is written to a volume is no change; the place of a mount that the image does not have is': async ({
    engine,
    image,
    reference
  }) => {
    await image.pull()
    const id = await done(engine, {
      Image: reference('busybox'),
      Cmd: sh('echo v >/volume/x; echo w >/tmp/here'),
      Volumes: { '/volume': {} },
      HostConfig: { Binds: ['/usr:/mnt/name:ro'] }
    })
    expect(await diff(engine, id)).toEqual(['A /mnt', 'A /mnt/name', 'A /tmp/here', 'A /volume', 'C /tmp'])
    await rm(engine, id)
  },

  'a file in place of a folder, a folder in place of a file, a name that is not ASCII': async ({ engine, image, reference }) => {
    await image.pull()
    const id = await done(engine, {
      Image: reference('busybox'),
      Cmd: sh('rm -r /var; echo 1 >/var; rm /etc/passwd; mkdir /etc/passwd; echo 2 >/etc/passwd/in; echo 3 >/tmp/grün')
    })
    expect(await diff(engine, id)).toEqual(['A /etc/passwd/in', 'A /tmp/grün', 'C /etc', 'C /etc/passwd', 'C /tmp', 'C /var'])
    await rm(engine, id)
  }
})
