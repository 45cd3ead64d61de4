// Needs: root and the lab (test/lab).
import type { Engine } from 'gantry'
import {
  ContainerChanges,
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerDelete,
  ContainerInspect,
  ContainerStart,
  ContainerWait,
  ImageCommit,
  ImageDelete,
  ImageHistory,
  ImageInspect
} from 'gantry/api'
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
  },

  'a commit is an image with what the container changed, and runs': async ({ engine, image, reference, unique }) => {
    await image.pull()
    const repo = unique('commit')
    const { Id: id } = await engine.raw.call(ContainerCreate, {
      body: {
        Image: reference('busybox'),
        Cmd: sh(
          'echo a >/new; rm /bin/ls; mkdir -p /a/b; echo deep >/a/b/f; ln /a/b/f /a/hard; ln -s f /a/b/soft; chmod 4711 /a/b/f; ' +
            'rm -r /var; mkdir /var; mkfifo /fifo; echo 3 >/tmp/grün; chown 7:8 /new; touch /ready; sleep 60'
        ),
        Env: ['KEPT=1']
      }
    })
    await engine.raw.call(ContainerStart, { path: { id } })
    while (!(await diff(engine, id)).includes('A /ready')) await new Promise(resolve => setTimeout(resolve, 50))
    const query = { container: id, repo, tag: '1', comment: 'hello', author: 'me', changes: ['CMD ["cat","/new"]', 'ENV A=1 B="x y"'] }
    const { Id: made } = await engine.raw.call(ImageCommit, { query, body: { Labels: { of: 'body' } } })
    expect((await engine.raw.call(ContainerInspect, { path: { id } })).State?.Status).toBe('running')
    await rm(engine, id)
    const inspected = await engine.raw.call(ImageInspect, { path: { name: `${repo}:1` } })
    expect(inspected).toMatchObject({
      Id: made,
      RepoTags: [`${repo}:1`],
      Comment: 'hello',
      Author: 'me',
      Config: { Cmd: ['cat', '/new'], Env: ['A=1', 'B=x y', 'KEPT=1'], Labels: { of: 'body' } }
    })
    expect(inspected.RootFS?.Layers).toHaveLength(2)
    const [step, below] = await engine.raw.call(ImageHistory, { path: { name: made } })
    expect(below?.Id).toBe(inspected.Parent)
    expect(step).toMatchObject({ Id: made, Comment: 'hello', CreatedBy: expect.stringMatching(/^sh -c echo a/) })
    expect(await engine.image(`${repo}:1`).run([]).text()).toBe('a\n')
    const look =
      'test ! -e /bin/ls; echo $?; stat -c "%a %u:%g %F" /new /a/b/f /fifo; readlink /a/b/soft; cat /a/hard /tmp/grün; test /a/b/f -ef /a/hard; echo $?; echo /var/*'
    expect(await engine.image(`${repo}:1`).run(['sh', '-c', look]).text()).toBe(
      '0\n644 7:8 regular file\n4711 0:0 regular file\n644 0:0 fifo\nf\ndeep\n3\n0\n/var/*\n'
    )
    expect(await engine.raw.call(ImageDelete, { path: { name: `${repo}:1` }, query: { force: true } })).toContainEqual({ Deleted: made })
  },

  'a commit takes the instructions of a Dockerfile that describe an image': async ({ engine, image, reference }) => {
    await image.pull()
    const id = await done(engine, { Image: reference('busybox'), Cmd: ['true'] })
    const changes = [
      ...['ENTRYPOINT echo x', 'WORKDIR /a', 'WORKDIR b', 'ENV K v w', 'EXPOSE 80 90/udp', 'LABEL a=b "c d"=e', 'VOLUME /v /w', 'USER 1:2'],
      ...['ONBUILD RUN x', 'HEALTHCHECK --interval=5s --retries=2 CMD true']
    ]
    const { Id: made } = await engine.raw.call(ImageCommit, { query: { container: id, changes } })
    const { Config, RootFS } = await engine.raw.call(ImageInspect, { path: { name: made } })
    expect(Config).toMatchObject({
      Entrypoint: ['/bin/sh', '-c', 'echo x'],
      WorkingDir: '/a/b',
      Env: ['K=v w'],
      ExposedPorts: { '80/tcp': {}, '90/udp': {} },
      Labels: { a: 'b', 'c d': 'e' },
      Volumes: { '/v': {}, '/w': {} },
      User: '1:2',
      OnBuild: ['RUN x'],
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5_000_000_000, Retries: 2 }
    })
    // Nothing changed: no layer.
    expect(RootFS?.Layers).toHaveLength(1)
    await engine.raw.call(ImageDelete, { path: { name: made } })
    const commit = (query: { container: string; changes?: string[]; repo?: string }) => engine.raw.call(ImageCommit, { query })
    await expectError(commit({ container: 'no-such-container' }), 'not_found', /^No such container: no-such-container$/)
    await expectError(commit({ container: id, changes: ['RUN x'] }), 'invalid_argument', /^run is not a valid change command$/)
    await expectError(commit({ container: id, changes: ['ENV'] }), ['invalid_argument', 'failed'], /^ENV requires at least one argument$/)
    await expectError(commit({ container: id, changes: ['EXPOSE abc'] }), ['invalid_argument', 'failed'], /^Invalid containerPort: abc$/)
    await rm(engine, id)
  }
})
