import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ContainerCreate, ContainerDelete, ContainerInspect, ContainerList, SystemInfo, SystemVersion } from '../../../src/api/index.js'
import { EngineError } from '../../../src/errors/index.js'
import { FakeEngine } from './kit/fake-engine.js'
import { collect, rejection } from './kit/rejection.js'

describe('closing an engine', () => {
  it('removes what was made through it, running or not, but not what is kept', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const spec = fake.engine.image('busybox')
    await spec.start()
    await spec.create()
    const kept = await spec.start({ keep: true })
    const running = spec.run(['sleep'])
    await running.container
    await fake.engine.close()
    expect([...fake.containers.keys()]).toEqual([kept.id])
    expect((await running).exitCode).toBe(137)
    expect(fake.transport.isClosed).toBe(true)
    expect(fake.transport.inputs(ContainerDelete).every(({ query }) => query?.force && query.v)).toBe(true)
  })

  it('is done once, however often it is asked for', async () => {
    const fake = new FakeEngine()
    await fake.engine.image('busybox').create()
    await Promise.all([fake.engine.close(), fake.engine.close(), fake.engine[Symbol.asyncDispose]()])
    expect(fake.transport.inputs(ContainerDelete)).toHaveLength(1)
  })

  it('waits for a container that is being made, and removes it', async () => {
    const fake = new FakeEngine()
    const making = fake.engine.image('busybox').create({ name: 'late' })
    const closing = fake.engine.close()
    await Promise.allSettled([making, closing])
    expect(fake.containers.size).toBe(0)
  })

  it('leaves a kept container running, and lets go of it', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const process = fake.engine.image('busybox').run(['server'], { keep: true })
    await process.container
    await fake.engine.close()
    expect(await rejection(process)).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/closed/) })
    expect(fake.last.status).toBe('running')
    expect(fake.last.isConnected).toBe(false)
  })

  it('tells what could not be removed, after everything else', async () => {
    const fake = new FakeEngine()
    const stuck = await fake.engine.image('busybox').create({ name: 'stuck' })
    await fake.engine.image('busybox').create({ name: 'other' })
    const remove = fake.transport.call.bind(fake.transport)
    fake.transport.call = (operation, input, options) =>
      operation.id === 'ContainerDelete' && (input as unknown as { path: { id: string } }).path.id === stuck.id
        ? Promise.reject(new EngineError('failed', 'device is busy'))
        : remove(operation, input, options)
    expect(await rejection(fake.engine.close())).toMatchObject({ code: 'failed', message: expect.stringMatching(/device is busy/) })
    expect([...fake.containers.keys()]).toEqual([stuck.id])
    expect(fake.transport.isClosed).toBe(true)
  })

  it('makes every later call unavailable', async () => {
    const fake = new FakeEngine()
    const spec = fake.engine.image('busybox')
    const container = await spec.create({ keep: true })
    await fake.engine.close()
    for (const use of [() => spec.create(), () => spec.run(['x']), () => spec.pull(), () => container.state(), () => container.wait()]) {
      expect(await rejection(use())).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/closed/) })
    }
  })

  it('waits for a removal that is under way already', async () => {
    const fake = new FakeEngine()
    const { id } = await fake.engine.image('busybox').create()
    fake.transport.answer(ContainerDelete, () => {
      throw new EngineError('conflict', `removal of container ${id} is already in progress`)
    })
    const closing = fake.engine.close()
    for (let count = 0; count < 5; count++) await turn()
    expect(fake.transport.isClosed).toBe(false)
    fake.find(id).removed.resolve()
    fake.find(id).exit.resolve(0)
    await closing
    expect(fake.transport.isClosed).toBe(true)
  })

  it('does not mind a container that is gone already', async () => {
    const fake = new FakeEngine()
    const container = await fake.engine.image('busybox').create()
    fake.containers.delete(container.id)
    await fake.engine.close()
  })
})

describe('an engine', () => {
  it('says what it is', async () => {
    const fake = new FakeEngine()
    fake.transport.answer(SystemVersion, () => ({ Version: '29.1', Os: 'linux', Arch: 'arm64' }) as never)
    fake.transport.answer(SystemInfo, () => ({ NCPU: 4, MemTotal: 1024 }) as never)
    expect(await fake.engine.info()).toEqual({
      version: '29.1',
      apiVersion: '1.51',
      os: 'linux',
      arch: 'arm64',
      cpus: 4,
      memoryBytes: 1024
    })
    expect(fake.engine.transport).toBe('unix')
  })

  it('has no root file system to offer from afar', () => {
    expect(() => new FakeEngine().engine.hostImage()).toThrow(expect.objectContaining({ code: 'not_supported' }))
    expect(new FakeEngine('in-process').engine.hostImage().reference).toBe('host:/')
  })

  it('lists containers by its filters', async () => {
    const fake = new FakeEngine()
    fake.transport.answer(ContainerList, () => [{ Id: 'c1', Names: ['/other/alias', '/mine'] }] as never)
    const found = await collect(fake.engine.containers({ status: 'exited', name: 'mi', label: { a: 'b' } }))
    expect(found.map(({ id, name }) => [id, name])).toEqual([['c1', 'mine']])
    expect(fake.transport.inputs(ContainerList)[0]?.query).toEqual({
      all: true,
      filters: { status: ['exited'], name: ['mi'], label: ['a=b'] }
    })
  })

  it('passes raw calls on, checked', async () => {
    const fake = new FakeEngine()
    const { Id } = await fake.engine.raw.call(ContainerCreate, { body: { Image: 'busybox' } })
    expect((await fake.engine.raw.call(ContainerInspect, { path: { id: Id } })).Id).toBe(Id)
    const wrong = fake.engine.raw.call(ContainerCreate, { body: { HostConfig: { Memory: 'lots' as never } } })
    expect(await rejection(wrong)).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/HostConfig\.Memory/) })
  })
})

describe('a container', () => {
  it('is started as a task whose events tell the steps', async () => {
    const fake = new FakeEngine()
    const task = fake.engine.image('busybox').cmd('true').start({ name: 'one' })
    expect((await collect(task)).map(({ type }) => type)).toEqual([
      'container.created',
      'container.layered',
      'container.networked',
      'container.started'
    ])
    expect((await task).name).toBe('one')
    expect(fake.transport.inputs(ContainerCreate)[0]?.body.OpenStdin).toBeUndefined()
  })

  it('is not networked where it has no network', async () => {
    const types = (await collect(new FakeEngine().engine.image('busybox').network('none').start())).map(({ type }) => type)
    expect(types).toEqual(['container.created', 'container.layered', 'container.started'])
  })

  it('can share the network of another', async () => {
    const fake = new FakeEngine()
    const first = await fake.engine.image('busybox').create()
    await fake.engine.image('busybox').network(first).create()
    expect(fake.last.body.HostConfig?.NetworkMode).toBe(`container:${first.id}`)
  })

  it('tells its state in the words of this API', async () => {
    const fake = new FakeEngine().runs(() => 3)
    const container = await fake.engine.image('busybox').start()
    expect(await container.wait()).toEqual({ exitCode: 3 })
    expect(await container.state()).toEqual({ status: 'exited', exitCode: 3, startedAt: new Date('2026-01-01T00:00:00.500Z') })
  })

  it('is disposed of whatever it does, once or twice', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const container = await fake.engine.image('busybox').start()
    await container[Symbol.asyncDispose]()
    await container[Symbol.asyncDispose]()
    expect(fake.containers.size).toBe(0)
  })

  it('from a list does not know its terminal, and says so when it is attached to', async () => {
    const fake = new FakeEngine()
    const made = await fake.engine.image('busybox').create({ tty: true })
    fake.transport.answer(ContainerList, () => [{ Id: made.id, Names: ['/x'] }] as never)
    const [listed] = await collect(fake.engine.containers())
    expect(() => listed?.attach()).toThrow(/attach\.tty/)
    expect(listed && 'terminal' in listed.attach({ tty: true })).toBe(true)
    expect('terminal' in made.attach()).toBe(true)
    await fake.engine.close()
  })

  it('can be attached to before its start', async () => {
    const fake = new FakeEngine().runs(async ({ stdout }) => {
      await stdout('hello')
      return 4
    })
    const container = await fake.engine.image('busybox').create()
    const process = container.attach()
    if ('terminal' in process) throw new Error('It has no terminal')
    while (!fake.transport.ids.includes('ContainerAttach')) await turn()
    await container.start()
    expect(await process).toMatchObject({ exitCode: 4, stdout: 'hello' })
    expect(fake.last.isStdinClosed).toBe(false)
  })

  it('is let go of, not ended, when an attached process is disposed of', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const container = await fake.engine.image('busybox').start()
    const process = container.attach()
    while (!fake.last.isConnected) await turn()
    await turn()
    await process[Symbol.asyncDispose]()
    expect(fake.last.status).toBe('running')
    await fake.engine.close()
  })
})
