import { describe, expect, it } from 'vitest'
import { type ChoicePorts, chooseEngine } from '../../../src/engine/choose/choose-engine.js'
import { checkEngineOptions } from '../../../src/engine/choose/engine-options.js'
import type { EngineOptions } from '../../../src/engine/engine.js'
import { EngineError } from '../../../src/errors/index.js'
import type { Located } from '../../../src/transport/locate/located.js'
import { FakeTransport } from './kit/fake-transport.js'
import { rejection } from './kit/rejection.js'

const notSet: Located = { name: 'DOCKER_HOST', explicit: false, skipped: 'not set' }
const absent: Located = {
  name: 'Gantry',
  endpoint: 'unix:///run/gantry.sock',
  explicit: false,
  skipped: 'no such file',
  fix: 'run: gantry daemon'
}
const docker: Located = { name: 'Docker', endpoint: 'unix:///var/run/docker.sock', explicit: false }
const podman: Located = { name: 'Podman', endpoint: 'unix:///run/podman/podman.sock', explicit: false }

interface World {
  readonly places?: readonly Located[]
  readonly host?: { readonly usable: boolean; readonly reason: string; readonly fix?: string }
  readonly answering?: readonly string[]
}

const choose = (options: EngineOptions, world: World) => {
  const opened: string[] = []
  const ports: ChoicePorts = {
    locate: async () => world.places ?? [notSet, absent, docker, podman],
    probeInProcess: async () => world.host ?? { usable: true, reason: 'root, overlayfs, crun' },
    openInProcess: async () => {
      opened.push('in-process')
      return new FakeTransport('in-process')
    },
    openHttp: async ({ endpoint }) => {
      opened.push(endpoint)
      if (world.answering?.includes(endpoint)) return new FakeTransport()
      throw new EngineError('unavailable', `nothing answers at ${endpoint}`)
    }
  }
  return { opened, choice: (async () => chooseEngine(checkEngineOptions(options), ports))() }
}

const hostCannot = { usable: false, reason: 'not root', fix: 'run as root' }

describe('choosing an engine', () => {
  it('takes this host where it can, and tells what else there was', async () => {
    const { choice, opened } = choose({}, {})
    const { transport, candidates } = await choice
    expect(transport.kind).toBe('in-process')
    expect(opened).toEqual(['in-process'])
    expect(candidates.map(({ name, chosen, reason }) => [name, chosen, reason])).toEqual([
      ['DOCKER_HOST', false, 'not set'],
      ['in-process', true, 'root, overlayfs, crun'],
      ['Gantry', false, 'no such file'],
      ['Docker', false, 'not tried: an engine before it was chosen'],
      ['Podman', false, 'not tried: an engine before it was chosen']
    ])
  })

  it('takes the first socket that answers where this host cannot', async () => {
    const { choice } = choose({}, { host: hostCannot, answering: ['unix:///run/podman/podman.sock'] })
    expect((await choice).candidates).toEqual([
      { name: 'DOCKER_HOST', chosen: false, reason: 'not set' },
      { name: 'in-process', chosen: false, reason: 'not root', fix: 'run as root' },
      { name: 'Gantry', endpoint: 'unix:///run/gantry.sock', chosen: false, reason: 'no such file', fix: 'run: gantry daemon' },
      { name: 'Docker', endpoint: docker.endpoint, chosen: false, reason: 'nothing answers at unix:///var/run/docker.sock' },
      { name: 'Podman', endpoint: podman.endpoint, chosen: true, reason: 'the first socket that answered' }
    ])
  })

  it('fails with everything that was tried, and what would help', async () => {
    const error = await rejection(choose({}, { host: hostCannot }).choice)
    expect(error).toMatchObject({ code: 'unavailable' })
    const { message } = error as Error
    expect(message).toContain('in-process: not root; run as root')
    expect(message).toContain('Gantry (unix:///run/gantry.sock): no such file; run: gantry daemon')
    expect(message).toContain('nothing answers at unix:///run/podman/podman.sock')
  })

  it('tries nothing else where an engine was asked for and does not answer', async () => {
    const asked: Located = { name: 'DOCKER_HOST', endpoint: 'tcp://192.0.2.1:2375', explicit: true, fix: 'start it' }
    const { choice, opened } = choose({}, { places: [asked] })
    expect(await rejection(choice)).toMatchObject({
      code: 'unavailable',
      message: 'DOCKER_HOST: nothing answers at tcp://192.0.2.1:2375. What helps: start it'
    })
    expect(opened).toEqual(['tcp://192.0.2.1:2375'])
  })

  it('takes what was asked for before this host', async () => {
    const asked: Located = { name: 'context ci', endpoint: 'tcp://192.0.2.1:2375', explicit: true }
    const { candidates } = await choose({}, { places: [notSet, asked], answering: ['tcp://192.0.2.1:2375'] }).choice
    expect(candidates.at(-1)).toEqual({ name: 'context ci', endpoint: 'tcp://192.0.2.1:2375', chosen: true, reason: 'asked for' })
  })

  it('leaves this host out with transport http, and all others with in-process, root or runtime', async () => {
    const http = await choose({ transport: 'http' }, { answering: ['unix:///var/run/docker.sock'] }).choice
    expect(http.candidates.find(({ chosen }) => chosen)?.name).toBe('Docker')
    for (const options of [{ transport: 'in-process' }, { root: '/data' }, { runtime: 'runc' }] as const) {
      const { choice, opened } = choose(options, { places: [{ ...docker, explicit: true }] })
      expect((await choice).transport.kind).toBe('in-process')
      expect(opened).toEqual(['in-process'])
    }
  })
})

describe('the options of createEngine', () => {
  it.each([
    [{ hosts: 'x' }, /createEngine\.hosts: there is no such option/],
    [{ transport: 'tcp' }, /createEngine\.transport: expected one of auto, in-process, http/],
    [{ host: 5 }, /createEngine\.host: expected text, got 5/],
    [{ host: 'tcp://192.0.2.1', root: '/data' }, /root and host contradict each other/],
    [{ transport: 'in-process', context: 'ci' }, /context and transport: 'in-process' contradict/],
    [{ transport: 'http', runtime: 'crun' }, /runtime and transport: 'http' contradict/],
    [{ tls: { verify: 'no' } }, /createEngine\.tls\.verify: expected true or false/],
    [{ registries: { 'ghcr.io': { auth: { username: '', password: 'pw' } } } }, /registries\["ghcr\.io"\]\.auth\.username: expected text/],
    [{ registries: { 'ghcr.io': { mirror: 'x' } } }, /registries\["ghcr\.io"\]\.mirror: there is no such option/]
  ])('%j are refused', (options, message) => {
    expect(() => checkEngineOptions(options as never)).toThrow(message)
  })

  it('limits how long a well-known socket may take, and goes on to the next where it does not answer', async () => {
    const ports: ChoicePorts = {
      locate: async () => [docker, podman],
      probeInProcess: async () => hostCannot,
      openInProcess: async () => new FakeTransport('in-process'),
      openHttp: async ({ endpoint }, signal) => {
        expect(signal).toBeInstanceOf(AbortSignal)
        if (endpoint === podman.endpoint) return new FakeTransport()
        throw new DOMException('The operation was aborted due to timeout', 'TimeoutError')
      }
    }
    const { candidates } = await chooseEngine(checkEngineOptions({}), ports)
    expect(candidates.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'in-process: not root',
      'Docker: it did not answer within 5000 ms',
      'Podman: the first socket that answered'
    ])
  })
})
