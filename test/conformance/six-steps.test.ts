// Needs: root and the lab (test/lab).
import type { EngineEvent } from 'gantry'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { Transcript } from './kit/streams.js'

conform('docker run -i -t ubuntu /bin/bash', {
  'an image that is missing is pulled, a container made, layered, networked and started, and every step is announced': async ({
    engine,
    publish
  }) => {
    const reference = await publish()
    const seen: EngineEvent['type'][] = []
    const shell = engine.image(reference).run(['/bin/sh'], { tty: true })
    const note = (type: EngineEvent['type']): void => {
      seen.push(type)
    }
    const steps = ['image.pulled', 'container.created', 'container.networked', 'container.started', 'container.exited'] as const
    const exited = new Promise<void>(resolve => engine.on('container.exited', () => resolve()))
    for (const type of steps) engine.on(type, () => note(type))
    try {
      shell.terminal.input.write('exit 4\n')
      expect((await shell).exitCode).toBe(4)
      await exited
      expect(seen).toEqual(steps)
    } finally {
      for (const type of steps) engine.off(type)
      engine.off('container.exited')
    }
  },

  'the shell is interactive: what is typed is run, and its output comes back': async ({ image }) => {
    const shell = image.run(['/bin/sh'], { tty: true })
    const screen = new Transcript(shell.terminal.output)
    shell.terminal.input.write('echo $((6 * 7))\n')
    await screen.until(/\n42\r?\n/)
    shell.terminal.input.write('exit\n')
    expect((await shell).exitCode).toBe(0)
  },

  'exit stops the container and does not remove it; it can be started again, and removed': async ({ engine, image }) => {
    const shell = image.run(['/bin/sh', '-c', 'date >> /runs; wc -l < /runs'], { tty: true })
    expect((await shell).output.trim()).toBe('1')
    const container = await shell.container
    expect((await container.state()).status).toBe('exited')
    await container.start()
    await container.wait()
    expect((await container.logs().text()).split(/\r?\n/)).toEqual(['1', '2', ''])
    await container.remove()
    await expectError(engine.container(container.id), 'not_found')
  },

  'its read-write layer is its own: another container of the image sees the image': async ({ image }) => {
    expect((await image.run(['sh', '-c', 'echo changed > /etc/passwd; rm /bin/vi; touch /new'])).exitCode).toBe(0)
    const other = await image.run(['sh', '-c', 'head -n 1 /etc/passwd; ls /bin/vi; test ! -e /new']).text()
    expect(other).toBe('root:x:0:0:root:/root:/bin/sh\n/bin/vi\n')
  }
})
