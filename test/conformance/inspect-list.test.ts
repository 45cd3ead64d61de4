// Needs: root and the lab (test/lab).
import { ContainerList, SystemInfo, SystemPing, SystemVersion } from 'gantry/api'
import { expect } from 'vitest'
import { entrypointSettings } from '../lab/images/catalog.js'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { collect } from './kit/streams.js'

const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
const never = '0001-01-01T00:00:00Z'

conform(
  'inspect and list',
  {
    'inspect of a created container has the fields of the Engine API': async ({ image, unique }) => {
      const name = unique()
      const container = await image.cmd('sleep', '1000').create({ name })
      expect(await container.inspect()).toMatchObject({
        Id: container.id,
        Name: `/${name}`,
        Created: timestamp,
        Path: 'sleep',
        Args: ['1000'],
        Image: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        RestartCount: 0,
        Platform: 'linux',
        Mounts: [],
        State: {
          Status: 'created',
          Running: false,
          Paused: false,
          Restarting: false,
          OOMKilled: false,
          Dead: false,
          Pid: 0,
          ExitCode: 0,
          Error: '',
          StartedAt: never,
          FinishedAt: never
        }
      })
    },

    'inspect follows the state': async ({ image }) => {
      const container = await image.cmd('sh', '-c', 'sleep 0.5; exit 3').start()
      const running = (await container.inspect()).State
      expect(running).toMatchObject({ Status: 'running', Running: true, ExitCode: 0, StartedAt: timestamp, FinishedAt: never })
      expect(running.Pid).toBeGreaterThan(0)
      await container.wait()
      const exited = (await container.inspect()).State
      expect(exited).toMatchObject({
        Status: 'exited',
        Running: false,
        Pid: 0,
        ExitCode: 3,
        StartedAt: running.StartedAt,
        FinishedAt: timestamp
      })
      expect(Date.parse(exited.FinishedAt)).toBeGreaterThan(Date.parse(exited.StartedAt))
    },

    'the configuration is that of the image with the options on top': async ({ engine, reference }) => {
      const spec = engine
        .image(reference('entrypoint'))
        .env({ GREETING: 'changed', NEW: '1' })
        .label({ 'lab.other': 'from options', mine: 'yes' })
      const { Config, Path, Args } = await (await spec.cmd('x').create()).inspect()
      expect([Path, Args]).toEqual(['/bin/echo', ['entry', 'x']])
      expect(Config).toMatchObject({
        Image: reference('entrypoint'),
        Entrypoint: entrypointSettings.Entrypoint,
        Cmd: ['x'],
        User: 'app',
        WorkingDir: '/work/dir',
        StopSignal: 'SIGUSR1',
        ExposedPorts: entrypointSettings.ExposedPorts,
        Labels: { 'lab.kind': 'entrypoint', 'lab.other': 'from options', mine: 'yes' }
      })
      expect([...(Config.Env ?? [])].sort()).toEqual(['EMPTY=', 'GREETING=changed', 'NEW=1', 'PATH=/usr/local/bin:/usr/bin:/bin'])
    },

    'the host name in the configuration is the short id': async ({ image }) => {
      const container = await image.create()
      expect((await container.inspect()).Config.Hostname).toBe(container.id.slice(0, 12))
    },

    'the host configuration has the defaults of dockerd': async ({ image }) => {
      const { HostConfig } = await (await image.create()).inspect()
      expect(HostConfig).toMatchObject({
        NetworkMode: 'default',
        RestartPolicy: { Name: expect.stringMatching(/^(no|)$/), MaximumRetryCount: 0 },
        LogConfig: { Type: 'json-file', Config: {} },
        AutoRemove: false,
        Privileged: false,
        ReadonlyRootfs: false,
        PublishAllPorts: false,
        ShmSize: 67_108_864,
        IpcMode: 'private',
        PidMode: '',
        Memory: 0,
        NanoCpus: 0,
        MaskedPaths: expect.arrayContaining(['/proc/kcore', '/proc/keys', '/sys/firmware']),
        ReadonlyPaths: expect.arrayContaining(['/proc/sys', '/proc/bus'])
      })
    },

    'only what runs is listed, unless all is asked for': async ({ engine, image }) => {
      const label = { test: 'all' }
      const created = await image.label(label).create()
      const running = await image.label(label).cmd('sleep', '1000').start()
      const ids = async (all: boolean) => (await collect(engine.containers({ label, all }))).map(container => container.id)
      expect(await ids(false)).toEqual([running.id])
      expect((await ids(true)).sort()).toEqual([created.id, running.id].sort())
    },

    'the newest is listed first': async ({ engine, image }) => {
      const ids: string[] = []
      for (let count = 0; count < 3; count++) {
        ids.unshift((await image.label({ test: 'order' }).create()).id)
        // dockerd sorts by whole seconds.
        await new Promise(resolve => setTimeout(resolve, 1100))
      }
      const listed = await collect(engine.containers({ all: true, label: { test: 'order' } }))
      expect(listed.map(container => container.id)).toEqual(ids)
    },

    'containers are listed by name, status, label, id and ancestor': async ({ engine, publish, unique }) => {
      const reference = await publish()
      const spec = engine.image(reference)
      const [name, other] = [unique('alpha'), unique('beta')]
      const exited = await spec.label({ kind: 'exited', both: '' }).cmd('true').start({ name })
      await exited.wait()
      const created = await spec.label({ kind: 'created', both: '' }).create({ name: other })
      const list = async (filters: Record<string, string[]>): Promise<string[]> =>
        (await engine.raw.call(ContainerList, { query: { all: true, filters } })).map(entry => entry.Id).sort()
      const both = [exited.id, created.id].sort()
      expect(await list({ name: [name] })).toEqual([exited.id])
      expect(await list({ name: [`^/${other}$`] })).toEqual([created.id])
      expect(await list({ ancestor: [reference] })).toEqual(both)
      expect(await list({ ancestor: [reference], status: ['exited'] })).toEqual([exited.id])
      expect(await list({ ancestor: [reference], status: ['created', 'exited'] })).toEqual(both)
      expect(await list({ ancestor: [reference], label: ['kind=created'] })).toEqual([created.id])
      expect(await list({ ancestor: [reference], label: ['both'] })).toEqual(both)
      expect(await list({ ancestor: [reference], label: ['both', 'kind=exited'] })).toEqual([exited.id])
      expect(await list({ id: [exited.id.slice(0, 12)] })).toEqual([exited.id])
      expect(await list({ ancestor: [reference], exited: ['0'] })).toEqual([exited.id])
      expect(await list({ ancestor: [reference], before: [other] })).toEqual([exited.id])
      expect(await list({ ancestor: [reference], since: [name] })).toEqual([created.id])
    },

    'the fluent list takes status and name': async ({ engine, image, unique }) => {
      const name = unique('gamma')
      const container = await image.cmd('true').start({ name })
      await container.wait()
      const byStatus = await collect(engine.containers({ status: 'exited', name }))
      expect(byStatus.map(entry => [entry.id, entry.name])).toEqual([[container.id, name]])
    },

    'a limit gives the newest, running or not': async ({ engine, image }) => {
      await image.create()
      await new Promise(resolve => setTimeout(resolve, 1100))
      const newest = await image.create()
      const listed = await engine.raw.call(ContainerList, { query: { limit: 1 } })
      expect(listed.map(entry => entry.Id)).toEqual([newest.id])
    },

    'an unknown filter or status is invalid_argument': async ({ engine }) => {
      await expectError(engine.raw.call(ContainerList, { query: { filters: { nonsense: ['x'] } } }), 'invalid_argument', /nonsense/)
      await expectError(engine.raw.call(ContainerList, { query: { filters: { status: ['asleep'] } } }), 'invalid_argument', /asleep/)
    },

    'a list entry has the fields of the Engine API': async ({ engine, reference, unique }) => {
      const name = unique()
      const container = await engine.image(reference('entrypoint')).create({ name })
      const [entry] = await engine.raw.call(ContainerList, { query: { all: true, filters: { id: [container.id] } } })
      expect(entry).toMatchObject({
        Id: container.id,
        Names: [`/${name}`],
        Image: reference('entrypoint'),
        ImageID: (await container.inspect()).Image,
        Command: '/bin/echo entry from cmd',
        State: 'created',
        Status: 'Created',
        Ports: [],
        Labels: entrypointSettings.Labels,
        Mounts: [],
        HostConfig: { NetworkMode: 'default' }
      })
      expect(entry?.Created).toBe(Math.floor(Date.parse((await container.inspect()).Created ?? '') / 1000))
    },

    'the status tells for how long it has run, or how it ended and when': async ({ engine, image }) => {
      const running = await image.cmd('sleep', '1000').start()
      const exited = await image.cmd('sh', '-c', 'exit 3').start()
      await exited.wait()
      const status = async (id: string) =>
        (await engine.raw.call(ContainerList, { query: { all: true, filters: { id: [id] } } }))[0]?.Status
      expect(await status(running.id)).toMatch(/^Up (Less than a second|\d+ seconds?)$/)
      expect(await status(exited.id)).toMatch(/^Exited \(3\) (Less than a second|\d+ seconds?) ago$/)
    },

    'the engine says what it is': async ({ engine }) => {
      const info = await engine.info()
      expect(info).toMatchObject({ os: 'linux', version: expect.any(String), apiVersion: expect.stringMatching(/^1\.\d+$/) })
      expect(info.cpus).toBeGreaterThan(0)
      expect(info.memoryBytes).toBeGreaterThan(0)
      expect(await engine.raw.call(SystemPing, {})).toBe('OK')
      expect(await engine.raw.call(SystemVersion, {})).toMatchObject({ Version: info.version, ApiVersion: expect.any(String), Os: 'linux' })
      expect(await engine.raw.call(SystemInfo, {})).toMatchObject({ OSType: 'linux', NCPU: info.cpus, MemTotal: info.memoryBytes })
    },

    'the engine explains why it was chosen': async ({ engine }) => {
      const chosen = engine.explain().filter(candidate => candidate.chosen)
      expect(chosen).toHaveLength(1)
      expect(chosen[0]?.reason).not.toBe('')
    }
  },
  { images: ['entrypoint'] }
)
