import { describe, expect, it } from 'vitest'
import { ContainerCreate } from '../../../src/api/index.js'
import type { ImageSpec } from '../../../src/engine/handles.js'
import { EngineError } from '../../../src/errors/index.js'
import { FakeEngine } from './kit/fake-engine.js'

const spec = (): ImageSpec => new FakeEngine().engine.image('busybox')
const wrong = <T>(value: unknown): T => value as T

describe('an image spec', () => {
  it('is a value: each setting makes a new one, and what was given is not kept', async () => {
    const fake = new FakeEngine()
    const variables = { A: '1' }
    const base = fake.engine.image('busybox')
    const one = base.env(variables)
    variables.A = 'changed'
    const two = one.env({ B: '2' })
    await base.create()
    await one.create()
    await two.create()
    expect(fake.transport.inputs(ContainerCreate).map(({ body }) => body.Env)).toEqual([undefined, ['A=1'], ['A=1', 'B=2']])
    expect(Object.isFrozen(base)).toBe(true)
  })

  it('takes an entry point away when it is given none', async () => {
    const fake = new FakeEngine()
    await fake.engine.image('busybox').entrypoint().create()
    expect(fake.last.body.Entrypoint).toEqual([''])
  })

  it('merges raw parts over what it was told, and keeps the session in the labels', async () => {
    const fake = new FakeEngine()
    const raw = { Config: { Labels: { c: '3' }, Env: ['ONLY=1'] }, HostConfig: { Memory: 5 } }
    await fake.engine.image('busybox').label({ a: '1' }).env({ A: '1' }).limits({ memory: 7, pids: 3 }).raw(raw).create()
    expect(fake.last.body).toMatchObject({ Labels: { a: '1', c: '3' }, Env: ['ONLY=1'], HostConfig: { Memory: 5, PidsLimit: 3 } })
    expect(Object.keys(fake.last.body.Labels ?? {})).toContain('dev.gantry.session')
  })

  it.each<[string, () => unknown, string]>([
    [
      'limits.memory',
      () => spec().limits({ memory: wrong(true) }),
      'limits.memory: expected a size such as 512m or a number of bytes, got true'
    ],
    ['limits.cpus', () => spec().limits({ cpus: 0 }), 'limits.cpus: expected a number above 0, got 0'],
    ['limits.pids', () => spec().limits({ pids: 1.5 }), 'limits.pids: expected a whole number, 0 or more, got 1.5'],
    ['limits', () => spec().limits(wrong({ ram: 1 })), 'limits.ram: there is no such option. There are: memory, cpus, pids'],
    ['env', () => spec().env({ A: wrong(1) }), 'env.A: expected text, got 1'],
    ['env', () => spec().env(wrong(['A=1'])), 'env: expected an object, got a list'],
    ['cmd', () => spec().cmd('a', wrong(null)), 'cmd[1]: expected text, got null'],
    ['cwd', () => spec().cwd(wrong(undefined)), 'cwd: expected text, a path, got undefined'],
    [
      'network',
      () => spec().network(wrong('bridge')),
      "network: expected 'none', 'host', a network of engine.network() or a container, got \"bridge\""
    ],
    ['security', () => spec().security({ privileged: wrong('yes') }), 'security.privileged: expected true or false, got "yes"'],
    ['security', () => spec().security({ seccomp: '/etc/profile.json' }), /security\.seccomp: expected 'unconfined' or the text of a JSON/],
    ['raw', () => spec().raw(wrong({ Hostconfig: {} })), 'raw.Hostconfig: there is no such option'],
    ['image', () => new FakeEngine().engine.image(''), 'image: expected an image reference as text, got ""']
  ] as never)('refuses a wrong %s at once, naming it and what came', (_name, set, message) => {
    expect(set).toThrow(EngineError)
    expect(set).toThrow(message)
  })
})
