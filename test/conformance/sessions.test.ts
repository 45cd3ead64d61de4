// Needs: root and the lab (test/lab).
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { collect, eventually } from './kit/streams.js'

conform('sessions', {
  'close removes what was made through the engine, running or not': async ({ engine, open, reference }) => {
    const session = await open()
    const spec = session.image(reference('busybox'))
    const running = await spec.cmd('sleep', '1000').start()
    const created = await spec.create()
    const finished = spec.run(['true'])
    await finished
    await session.close()
    for (const id of [running.id, created.id, await finished.id]) await expectError(engine.container(id), 'not_found')
  },

  'close leaves alone what other engines made': async ({ engine, open, image, reference }) => {
    const container = await image.cmd('sleep', '1000').start()
    const session = await open()
    await session.image(reference('busybox')).run(['true'])
    await session.close()
    expect((await (await engine.container(container.id)).state()).status).toBe('running')
  },

  'engines on the same data see the same images and containers': async ({ engine, open, publish, unique }) => {
    const other = await open()
    const reference = await publish()
    const pulled = await other.image(reference).pull()
    expect((await collect(engine.images({ reference }))).map(image => image.id)).toEqual([pulled.id])
    const name = unique()
    const container = await other.image(reference).create({ name })
    expect((await engine.container(name)).id).toBe(container.id)
    await expectError(engine.image(reference).create({ name }), 'already_exists')
  },

  'a container of one engine can be stopped and removed by another': async ({ engine, open, image }) => {
    const container = await image.cmd('sleep', '1000').start()
    const same = await (await open()).container(container.id)
    await same.stop({ grace: 0 })
    expect((await container.state()).status).toBe('exited')
    await same.remove()
    await expectError(engine.container(container.id), 'not_found')
  },

  'what a killed process has made goes away, what it keeps and what others made stays': async ({
    engine,
    open,
    options,
    image,
    reference,
    unique
  }) => {
    const [gone, kept, other] = [unique(), unique(), unique()]
    await image.cmd('sleep', '1000').create({ name: other })
    const source = `
      import { createEngine } from 'gantry'
      const engine = await createEngine(${JSON.stringify(options)})
      const spec = engine.image(${JSON.stringify(reference('busybox'))}).cmd('sleep', '1000')
      await spec.start({ name: ${JSON.stringify(gone)} })
      await spec.create({ name: ${JSON.stringify(kept)}, keep: true })
      console.log('made')
      setInterval(() => {}, 1000)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit']
    })
    await new Promise(resolve => child.stdout.once('data', resolve))
    expect((await (await engine.container(gone)).state()).status).toBe('running')
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    await eventually(async () => {
      // In this process's own runtime whoever opens the data next takes away what was left.
      await (await open()).close()
      return engine.container(gone).then(
        () => false,
        () => true
      )
    })
    expect((await engine.container(kept)).name).toBe(kept)
    expect((await engine.container(other)).name).toBe(other)
  },

  'closing twice is fine, and so is closing while containers are made': async ({ engine, open, reference, unique }) => {
    const session = await open()
    const name = unique()
    const making = session.image(reference('busybox')).cmd('sleep', '1000').start({ name })
    making.then(
      () => {},
      () => {}
    )
    await Promise.all([session.close(), session.close()])
    await session.close()
    await expectError(engine.container(name), 'not_found')
  },

  'close ends what is listened to': async ({ open }) => {
    const session = await open()
    const listening = collect(session.events()).then(
      () => 'ended',
      () => 'ended'
    )
    await new Promise(resolve => setTimeout(resolve, 100))
    await session.close()
    expect(await listening).toBe('ended')
  },

  'await using closes the engine at the end of the block': async ({ engine, open, reference }) => {
    let id = ''
    {
      await using session = await open()
      id = (await session.image(reference('busybox')).create()).id
    }
    await expectError(engine.container(id), 'not_found')
  },

  'a program that uses the engine and does not close it ends by itself': async ({ options, reference }) => {
    const program = `
      import { createEngine } from 'gantry'
      const engine = await createEngine(${JSON.stringify(options)})
      console.log((await engine.image(${JSON.stringify(reference('busybox'))}).run(['echo', 'hello'], { remove: true }).text()).trim())
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.stderr.on('data', chunk => {
      output += chunk
    })
    const code = await new Promise(resolve => child.on('close', resolve))
    expect([output, code]).toEqual(['hello\n', 0])
  }
})

conform(
  'containers that are kept',
  {
    'what is to be kept outlives its engine, and another engine can have it': async ({ engine, open, reference }) => {
      const session = await open()
      const kept = await session.image(reference('busybox')).cmd('sh', '-c', 'echo kept; sleep 1000').start({ keep: true })
      await session.close()
      const found = await engine.container(kept.id)
      expect((await found.state()).status).toBe('running')
      expect(await found.logs().text()).toBe('kept\n')
      await found.remove({ force: true })
    },

    'a kept container that ends without its engine keeps its exit code': async ({ engine, open, reference }) => {
      const session = await open()
      const kept = await session.image(reference('busybox')).cmd('sh', '-c', 'sleep 1; echo late; exit 6').start({ keep: true })
      await session.close()
      const found = await engine.container(kept.id)
      expect(await found.wait()).toEqual({ exitCode: 6 })
      expect(await found.logs().text()).toBe('late\n')
    }
  },
  {}
)
