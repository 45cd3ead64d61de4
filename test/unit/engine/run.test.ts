import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  ContainerAttach,
  ContainerCreate,
  ContainerDelete,
  ContainerStart,
  ContainerWait,
  ImageCreate,
  ImageInspect
} from '../../../src/api/index.js'
import { keepLabel, sessionLabel } from '../../../src/api/labels.js'
import { EngineError, ExitError } from '../../../src/errors/index.js'
import { FakeEngine } from './kit/fake-engine.js'
import { collect, rejection } from './kit/rejection.js'

const hello = async ({ stdout }: { stdout(text: string): Promise<void> }): Promise<number> => {
  await stdout('hello\n')
  return 0
}

describe('run', () => {
  it('makes four calls: create, attach and wait, then start', async () => {
    const fake = new FakeEngine().runs(hello)
    expect(await fake.engine.image('busybox').run(['true'])).toMatchObject({ exitCode: 0, stdout: 'hello\n', stderr: '', lostBytes: 0 })
    expect(fake.transport.ids).toEqual(['ContainerCreate', 'ContainerAttach', 'ContainerWait', 'ContainerStart'])
  })

  it('does not start before the wait is registered', async () => {
    const fake = new FakeEngine()
    let register: (() => void) | undefined
    const { transport } = fake
    const original = transport.call.bind(transport)
    transport.call = (operation, input, options = {}) => {
      if (operation.id !== 'ContainerWait') return original(operation, input, options)
      const { onResponse, ...others } = options
      register = onResponse
      return original(operation, input, others)
    }
    const process = fake.engine.image('busybox').run(['true'])
    for (let count = 0; count < 5; count++) await turn()
    expect(transport.ids).not.toContain('ContainerStart')
    register?.()
    expect((await process).exitCode).toBe(0)
  })

  it('sends everything the spec and the options say, and the session as a label', async () => {
    const fake = new FakeEngine()
    const spec = fake.engine
      .image('busybox')
      .platform('linux/arm64')
      .entrypoint('/init', '-x')
      .env({ A: '1', B: '2' })
      .cwd('/work')
      .user('1000:1000')
      .hostname('box')
      .label({ mine: 'yes' })
      .dns('192.0.2.1')
      .hosts({ db: '192.0.2.7' })
      .limits({ memory: '512m', cpus: 1.5, pids: 100 })
      .security({ readOnly: true, capAdd: ['NET_ADMIN'], capDrop: ['ALL'], seccomp: 'unconfined', noNewPrivileges: true })
      .network('none')
      .raw({ Config: { StopSignal: 'SIGINT' }, HostConfig: { ShmSize: 1024 } })
    await spec.run(['echo', 'hi'], { name: 'one', env: { B: '3' }, cwd: '/else', user: 'root', privileged: true, remove: true, keep: true })
    const [input] = fake.transport.inputs(ContainerCreate)
    expect(input?.query).toEqual({ name: 'one', platform: 'linux/arm64' })
    expect(input?.body).toEqual({
      Image: 'busybox',
      Cmd: ['echo', 'hi'],
      Entrypoint: ['/init', '-x'],
      Env: ['A=1', 'B=3'],
      WorkingDir: '/else',
      User: 'root',
      Hostname: 'box',
      StopSignal: 'SIGINT',
      Labels: { mine: 'yes', [sessionLabel]: expect.stringMatching(/^[0-9a-f]{16}$/), [keepLabel]: 'true' },
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: {
        NetworkMode: 'none',
        Dns: ['192.0.2.1'],
        ExtraHosts: ['db:192.0.2.7'],
        Memory: 536_870_912,
        NanoCpus: 1_500_000_000,
        PidsLimit: 100,
        Privileged: true,
        ReadonlyRootfs: true,
        CapAdd: ['NET_ADMIN'],
        CapDrop: ['ALL'],
        SecurityOpt: ['seccomp=unconfined', 'no-new-privileges=true'],
        AutoRemove: true,
        ShmSize: 1024
      }
    })
  })

  it('waits for the removal where the container is to be removed', async () => {
    const fake = new FakeEngine()
    await fake.engine.image('busybox').run(['true'], { remove: true })
    expect(fake.transport.inputs(ContainerWait)[0]?.query).toEqual({ condition: 'removed' })
  })

  it('pulls an image that the engine does not have, and tries again', async () => {
    const fake = new FakeEngine().runs(hello)
    const { transport, engine } = fake
    let isHere = false
    const original = transport.call.bind(transport)
    transport.call = (operation, input, options) => {
      if (operation.id === 'ContainerCreate' && !isHere) {
        transport.calls.push({ id: operation.id, input: {} })
        return Promise.reject(new EngineError('not_found', 'No such image: alpine:latest'))
      }
      return original(operation, input, options)
    }
    transport.answer(ImageCreate, async function* () {
      isHere = true
      yield { status: 'Pulling fs layer', id: 'aaaaaaaaaaaa' }
      yield { status: 'Downloading', id: 'aaaaaaaaaaaa', progressDetail: { current: 5, total: 10 } }
      yield { status: 'Pull complete', id: 'aaaaaaaaaaaa' }
      yield { status: 'Status: Downloaded newer image for alpine:latest' }
    } as never)
    transport.answer(ImageInspect, () => ({ Id: 'sha256:1', RepoTags: [], RepoDigests: ['alpine@sha256:2'], Size: 1 }) as never)
    const pulled: unknown[] = []
    engine.on('image.pulled', event => pulled.push(event))
    expect(await engine.image('alpine').run(['true']).text()).toBe('hello\n')
    expect(transport.ids.slice(0, 4)).toEqual(['ContainerCreate', 'ImageCreate', 'ImageInspect', 'ContainerCreate'])
    expect(transport.inputs(ImageCreate)[0]).toMatchObject({ query: { fromImage: 'alpine', tag: 'latest' } })
    expect(pulled).toEqual([{ type: 'image.pulled', ref: 'alpine', digest: 'sha256:2', bytes: 10, fromCache: false }])
  })

  it('does not pull with the policy never', async () => {
    const fake = new FakeEngine()
    fake.transport.answer(ContainerCreate, () => Promise.reject(new EngineError('not_found', 'No such image: alpine:latest')))
    expect(await rejection(fake.engine.image('alpine').run(['true'], { pull: 'never' }))).toMatchObject({ code: 'not_found' })
    expect(fake.transport.ids).toEqual(['ContainerCreate'])
  })

  it.each([
    ['exec: "nope": executable file not found in $PATH', 127],
    ['stat /x: no such file or directory', 127],
    ['exec: "/etc/passwd": permission denied', 126],
    ['some other reason', 125]
  ])('tells the exit code of a container that cannot start (%s), and removes it', async (message, exitCode) => {
    const fake = new FakeEngine()
    fake.transport.answer(ContainerStart, () => Promise.reject(new EngineError('invalid_argument', message)))
    const error = await rejection(fake.engine.image('busybox').run(['nope']))
    expect(error).toMatchObject({ code: 'invalid_argument', details: { exitCode } })
    expect(fake.containers.size).toBe(0)
  })

  it('rejects text, json and lines with ExitError, and resolves itself', async () => {
    const fake = new FakeEngine().runs(async ({ stdout, stderr }) => {
      await stdout('out\n')
      await stderr('err\n')
      return 9
    })
    const run = () => fake.engine.image('busybox').run(['fail'])
    for (const promise of [run().text(), run().json(z.unknown()), collect(run().lines())]) {
      const error = await rejection(promise)
      expect(error).toBeInstanceOf(ExitError)
      expect(error).toMatchObject({ code: 'exited', exitCode: 9, stderr: 'err\n', argv: ['fail'] })
    }
    expect(await run()).toMatchObject({ exitCode: 9, stdout: 'out\n', stderr: 'err\n' })
  })

  it('names the signal that an exit code stands for', async () => {
    const fake = new FakeEngine().runs(() => 143)
    expect(await fake.engine.image('busybox').run(['x'])).toMatchObject({ exitCode: 143, signal: 'SIGTERM' })
  })

  it('checks json against the schema', async () => {
    const run = (output: string) =>
      new FakeEngine()
        .runs(async ({ stdout }) => stdout(output).then(() => 0))
        .engine.image('x')
        .run()
    expect(await run('{"a":1}').json(z.object({ a: z.number() }))).toEqual({ a: 1 })
    expect(await rejection(run('{"a":"1"}').json(z.object({ a: z.number() })))).toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/schema: a: /)
    })
    expect(await rejection(run('nonsense').json(z.unknown()))).toMatchObject({ code: 'failed', message: expect.stringMatching(/not JSON/) })
  })

  it.each([
    [{ tty: 'yes' }, /^run\.tty: expected true or false, got "yes"/],
    [{ memory: '1g' }, /^run\.memory: there is no such option/],
    [{ timeout: 'soon' }, /^run\.timeout: expected a duration/],
    [{ pull: 'maybe' }, /^run\.pull: expected one of missing, always, never/],
    [{ env: { A: 1 } }, /^run\.env\.A: expected text, got 1/],
    [{ env: { 'A=B': '1' } }, /^run\.env: a variable's name/]
  ])('rejects the option %j without a call', async (options, message) => {
    const fake = new FakeEngine()
    const error = await rejection(fake.engine.image('busybox').run(['true'], options as never))
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(message) })
    expect(fake.transport.ids).toEqual([])
  })

  it('an abort rejects with the reason and removes the container', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const controller = new AbortController()
    const process = fake.engine.image('busybox').run(['sleep'], { signal: controller.signal })
    await process.container
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await rejection(process)).toBe(reason)
    expect(fake.containers.size).toBe(0)
  })

  it('an abort before the beginning makes no call', async () => {
    const fake = new FakeEngine()
    const reason = new Error('too late')
    expect(await rejection(fake.engine.image('busybox').run(['x'], { signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(fake.transport.ids).toEqual([])
  })

  it('an abort while the container is being made rejects at once, and removes it when it is there', async () => {
    const fake = new FakeEngine()
    let finish: (() => void) | undefined
    fake.transport.answer(ContainerCreate, () => new Promise(resolve => (finish = () => resolve({ Id: 'late', Warnings: [] }))))
    const deleted: string[] = []
    fake.transport.answer(ContainerDelete, ({ path }) => {
      deleted.push(path.id)
      return { modified: true }
    })
    const controller = new AbortController()
    const process = fake.engine.image('busybox').run(['x'], { signal: controller.signal })
    await turn()
    controller.abort(new Error('enough'))
    expect(await rejection(process)).toMatchObject({ message: 'enough' })
    expect(deleted).toEqual([])
    finish?.()
    await fake.engine.close()
    expect(deleted).toContain('late')
  })

  it('a timeout is deadline_exceeded and removes the container', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const error = await rejection(fake.engine.image('busybox').run(['sleep'], { timeout: '20ms' }))
    expect(error).toMatchObject({ code: 'deadline_exceeded', details: { timeoutMs: 20 } })
    expect(fake.containers.size).toBe(0)
  })

  it('a failure that nobody awaits is no unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => {
      unhandled.push(reason)
    }
    process.on('unhandledRejection', note)
    try {
      const fake = new FakeEngine()
      fake.transport.answer(ContainerAttach, () => Promise.reject(new EngineError('failed', 'no way')))
      const running = fake.engine.image('busybox').run(['x'])
      running.stdin.write('typed')
      void running.stdout
      void running.container
      void running.id
      for (let count = 0; count < 10; count++) await turn()
      expect(unhandled).toEqual([])
      expect(await rejection(running)).toMatchObject({ message: 'no way' })
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  it('dispose kills what runs and waits for its end', async () => {
    const fake = new FakeEngine().runs(({ killed }) => killed.then(() => 137))
    const process = fake.engine.image('busybox').run(['sleep'])
    await process.container
    await process[Symbol.asyncDispose]()
    expect(fake.last.status).toBe('exited')
    expect((await process).exitCode).toBe(137)
  })
})
