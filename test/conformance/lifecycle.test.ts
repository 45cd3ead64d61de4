// Needs: root and the lab (test/lab).
import { ContainerKill, ContainerStart, ContainerStop, ContainerWait } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError, rejection } from './kit/errors.js'
import { eventually } from './kit/streams.js'

const obedient = ['sh', '-c', 'trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done']
const stubborn = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']

/** Wait until the script has said that its traps are set. */
const ready = (container: { logs(): { text(): Promise<string> } }): Promise<true> =>
  eventually(async () => (await container.logs().text()).includes('ready') || undefined) as Promise<true>

conform(
  'lifecycle',
  {
    'a created container does not run until it is started': async ({ image }) => {
      const container = await image.cmd('sleep', '1000').create()
      expect(await container.state()).toMatchObject({ status: 'created' })
      await container.start()
      const state = await container.state()
      expect(state.status).toBe('running')
      expect(state.startedAt).toBeInstanceOf(Date)
    },

    'a started container runs on by itself, and its end is seen': async ({ image }) => {
      const container = await image.cmd('sh', '-c', 'sleep 0.2; exit 3').start()
      expect(await container.wait()).toEqual({ exitCode: 3 })
      expect(await container.state()).toMatchObject({ status: 'exited', exitCode: 3 })
    },

    'a name is made up of two words when none is given': async ({ image }) => {
      const container = await image.create()
      expect(container.name).toMatch(/^[a-z]+_[a-z]+\d?$/)
      expect(container.id).toMatch(/^[0-9a-f]{64}$/)
    },

    'a container is found by name, by id, and by the beginning of its id': async ({ engine, image, unique }) => {
      const name = unique()
      const container = await image.create({ name })
      for (const key of [name, container.id, container.id.slice(0, 12)]) {
        const found = await engine.container(key)
        expect([found.id, found.name]).toEqual([container.id, name])
      }
    },

    'a name in use is a conflict and says by whom': async ({ image, unique }) => {
      const name = unique()
      const first = await image.create({ name })
      await expectError(image.create({ name }), 'already_exists', new RegExp(`${name}.*${first.id.slice(0, 12)}`, 's'))
      await expectError(image.run(['true'], { name }), 'already_exists')
    },

    'a name that is none is invalid_argument': async ({ image }) => {
      for (const name of ['white space', '-dash', 'a', 'slash/es', 'ümlaut']) await expectError(image.create({ name }), 'invalid_argument')
    },

    'a name is free again when its container is removed': async ({ image, unique }) => {
      const name = unique()
      await (await image.create({ name })).remove()
      expect((await image.create({ name })).name).toBe(name)
    },

    'a container that is not there is not_found, with its name': async ({ engine }) => {
      await expectError(engine.container('no-such-container'), 'not_found', /no-such-container/)
      for (const operation of [ContainerStart, ContainerStop, ContainerKill, ContainerWait]) {
        await expectError(engine.raw.call(operation, { path: { id: 'no-such-container' } }), 'not_found', /no-such-container/)
      }
    },

    'rename gives a new name, and the old one is free': async ({ engine, image, unique }) => {
      const [before, after] = [unique(), unique()]
      const container = await image.create({ name: before })
      await container.rename(after)
      expect(container.name).toBe(after)
      expect((await engine.container(after)).id).toBe(container.id)
      await expectError(engine.container(before), 'not_found')
      expect((await image.create({ name: before })).name).toBe(before)
    },

    'rename to a name in use is a conflict, to a bad one invalid_argument': async ({ image, unique }) => {
      const taken = unique()
      await image.create({ name: taken })
      const container = await image.create()
      await expectError(container.rename(taken), 'already_exists', new RegExp(taken))
      await expectError(container.rename('not a name'), 'invalid_argument')
    },

    'rename works while it runs': async ({ engine, image, unique }) => {
      const container = await image.cmd('sleep', '1000').start()
      const name = unique()
      await container.rename(name)
      expect((await (await engine.container(name)).inspect()).Name).toBe(`/${name}`)
    },

    'starting what runs and stopping what does not change nothing': async ({ engine, image }) => {
      const container = await image.cmd('sleep', '1000').start()
      const pid = (await container.inspect()).State.Pid
      await container.start()
      expect((await container.inspect()).State.Pid).toBe(pid)
      expect(await engine.raw.call(ContainerStart, { path: { id: container.id } })).toEqual({ modified: false })
      await container.stop({ grace: 0 })
      await container.stop()
      expect(await engine.raw.call(ContainerStop, { path: { id: container.id } })).toEqual({ modified: false })
    },

    'stop asks with SIGTERM and lets the process end by itself': async ({ image }) => {
      const container = await image.cmd(...obedient).start()
      await ready(container)
      await container.stop()
      expect(await container.state()).toMatchObject({ status: 'exited', exitCode: 4 })
    },

    'stop kills what has not ended after the grace': async ({ image }) => {
      const container = await image.cmd(...stubborn).start()
      await ready(container)
      await container.stop({ grace: '1s' })
      expect(await container.state()).toMatchObject({ status: 'exited', exitCode: 137 })
    },

    'stop asks with the signal that the image names': async ({ engine, publish }) => {
      const settings = {
        Cmd: ['sh', '-c', 'trap "exit 21" USR1; trap "exit 22" TERM; echo ready; while :; do sleep 0.05; done'],
        StopSignal: 'SIGUSR1'
      }
      const container = await engine.image(await publish({ settings })).start()
      await ready(container)
      await container.stop()
      expect((await container.state()).exitCode).toBe(21)
    },

    'kill ends it with 137, kill with a signal sends that': async ({ image }) => {
      const killed = await image.cmd('sleep', '1000').start()
      await killed.kill()
      expect(await killed.wait()).toEqual({ exitCode: 137 })
      const caught = await image.cmd('sh', '-c', 'trap "echo caught" USR1; echo ready; while :; do sleep 0.05; done').start()
      await ready(caught)
      await caught.kill('SIGUSR1')
      await eventually(async () => (await caught.logs().text()).includes('caught'))
      expect((await caught.state()).status).toBe('running')
    },

    'kill takes a number and a name without SIG; what is no signal is invalid_argument': async ({ engine, image }) => {
      for (const signal of ['9', 'KILL', 'sigkill']) {
        const container = await image.cmd('sleep', '1000').start()
        await engine.raw.call(ContainerKill, { path: { id: container.id }, query: { signal } })
        expect(await container.wait()).toEqual({ exitCode: 137 })
      }
      const container = await image.cmd('sleep', '1000').start()
      const bad = engine.raw.call(ContainerKill, { path: { id: container.id }, query: { signal: 'SIGNONSENSE' } })
      await expectError(bad, 'invalid_argument', /SIGNONSENSE/)
      expect((await container.state()).status).toBe('running')
    },

    'kill of what does not run is a conflict': async ({ image }) => {
      const container = await image.cmd('true').start()
      await container.wait()
      await expectError(container.kill(), 'conflict', /not running/)
      await expectError((await image.create()).kill(), 'conflict', /not running/)
    },

    'wait for what does not run resolves at once': async ({ image }) => {
      const container = await image.cmd('sh', '-c', 'exit 8').start()
      await container.wait()
      expect(await container.wait()).toEqual({ exitCode: 8 })
      expect(await (await image.create()).wait()).toEqual({ exitCode: 0 })
    },

    'wait for the next exit can be asked for before the start': async ({ engine, image }) => {
      const container = await image.cmd('sh', '-c', 'exit 7').create()
      const waiting = engine.raw.call(ContainerWait, { path: { id: container.id }, query: { condition: 'next-exit' } })
      await new Promise(resolve => setTimeout(resolve, 200))
      await container.start()
      expect((await waiting).StatusCode).toBe(7)
    },

    'wait for the removal resolves with the exit code when it is gone': async ({ engine, image }) => {
      const container = await image.cmd('sh', '-c', 'exit 7').start()
      await container.wait()
      const waiting = engine.raw.call(ContainerWait, { path: { id: container.id }, query: { condition: 'removed' } })
      await new Promise(resolve => setTimeout(resolve, 200))
      await container.remove()
      expect((await waiting).StatusCode).toBe(7)
    },

    'several can wait at once': async ({ image }) => {
      const container = await image.cmd('sh', '-c', 'sleep 0.5; exit 2').start()
      const results = await Promise.all([container.wait(), container.wait(), container.wait()])
      expect(results.map(result => result.exitCode)).toEqual([2, 2, 2])
    },

    'an aborted wait rejects with the reason, and the container goes on': async ({ image }) => {
      const container = await image.cmd('sleep', '1000').start()
      const controller = new AbortController()
      const reason = new Error('no patience')
      const waiting = container.wait({ signal: controller.signal })
      setTimeout(() => controller.abort(reason), 100)
      expect(await rejection(waiting)).toBe(reason)
      expect((await container.state()).status).toBe('running')
    },

    'a container that has ended can be started again: it keeps its files, its id, and its log': async ({ image }) => {
      const container = await image.cmd('sh', '-c', 'echo run >> /runs; wc -l < /runs; exit $(wc -l < /runs)').start()
      expect(await container.wait()).toEqual({ exitCode: 1 })
      const first = await container.inspect()
      await container.start()
      expect(await container.wait()).toEqual({ exitCode: 2 })
      const second = await container.inspect()
      expect(await container.logs().text()).toBe('1\n2\n')
      expect(second.Id).toBe(first.Id)
      expect(Date.parse(second.State.StartedAt)).toBeGreaterThan(Date.parse(first.State.StartedAt))
    },

    'restart stops it and starts it again': async ({ image }) => {
      const container = await image
        .cmd('sh', '-c', 'echo run >> /runs; trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done')
        .start()
      await ready(container)
      const before = (await container.inspect()).State
      await container.restart()
      const after = (await container.inspect()).State
      expect(after.Running).toBe(true)
      expect(after.Pid).not.toBe(before.Pid)
    },

    'a container that runs cannot be removed without force: conflict': async ({ engine, image }) => {
      const container = await image.cmd('sleep', '1000').start()
      await expectError(container.remove(), 'conflict', /running/)
      expect((await container.state()).status).toBe('running')
      await container.remove({ force: true })
      await expectError(engine.container(container.id), 'not_found')
    },

    'removing twice is not_found, disposing twice is fine': async ({ image }) => {
      const container = await image.create()
      await container.remove()
      await expectError(container.remove(), 'not_found')
      await container[Symbol.asyncDispose]()
      await container[Symbol.asyncDispose]()
    },

    'a removed container cannot be started: not_found': async ({ image }) => {
      const container = await image.create()
      await container.remove()
      await expectError(container.start(), 'not_found')
    },

    'with auto-remove a detached container is gone when it ends': async ({ engine, image }) => {
      const container = await image
        .raw({ HostConfig: { AutoRemove: true } })
        .cmd('sleep', '0.3')
        .start()
      await eventually(async () =>
        engine.container(container.id).then(
          () => undefined,
          () => true
        )
      )
      await expectError(container.state(), 'not_found')
    },

    'stopping while another waits gives both their answer': async ({ image }) => {
      const container = await image.cmd(...obedient).start()
      await ready(container)
      const [waited] = await Promise.all([container.wait(), container.stop(), container.stop()])
      expect(waited).toEqual({ exitCode: 4 })
    },

    'the process in the foreground and its container are one': async ({ image, unique }) => {
      const name = unique()
      const process = image.run(['sleep', '1000'], { name })
      const container = await process.container
      expect([container.id, container.name]).toEqual([await process.id, name])
      await container.stop({ grace: 0 })
      expect((await process).exitCode).toBe(137)
    }
  },
  {}
)
