// Needs: root and the lab (test/lab).
import { ExitError } from 'gantry'
import { expect } from 'vitest'
import { z } from 'zod'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

const busy = ['sleep', '1000'] as const

conform('exec as a verb', {
  'awaiting it gives exit code and both outputs': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    const result = await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 7'])
    expect(result).toMatchObject({ exitCode: 7, stdout: 'out\n', stderr: 'err\n', lostBytes: 0 })
  },

  'text, lines and json read its output, and reject when the exit code is not 0': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    expect(await container.exec(['echo', 'one']).text()).toBe('one\n')
    const lines: string[] = []
    for await (const line of container.exec(['printf', 'a\\nb\\n']).lines()) lines.push(line)
    expect(lines).toEqual(['a', 'b'])
    expect(await container.exec(['echo', '{"n":1}']).json(z.object({ n: z.number() }))).toEqual({ n: 1 })
    await expect(container.exec(['false']).text()).rejects.toBeInstanceOf(ExitError)
  },

  'stdin can be ended while its output goes on': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    const sort = container.exec(['sort'])
    sort.stdin.end('b\na\n')
    expect(await sort.text()).toBe('a\nb\n')
  },

  'a program that reads its input ends when only its output is asked for': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    expect((await container.exec(['cat'])).exitCode).toBe(0)
  },

  'environment, folder and user are what was asked for': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    const options = { env: { A: 'b' }, cwd: '/tmp', user: '1234:77' }
    expect(await container.exec(['sh', '-c', 'echo $A; pwd; id -u; id -g'], options).text()).toBe('b\n/tmp\n1234\n77\n')
  },

  'with a terminal it has the size that was set before it started': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    const process = container.exec(['sh', '-c', 'sleep 0.3; stty size'], { tty: true })
    void process.terminal.resize(101, 33)
    expect((await process).output).toBe('33 101\r\n')
  },

  'aborting it rejects with the reason, and the container goes on': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    const reason = new Error('enough')
    const controller = new AbortController()
    const process = container.exec(['sleep', '1000'], { signal: controller.signal })
    await process.id
    controller.abort(reason)
    await expect(Promise.resolve(process)).rejects.toBe(reason)
    expect((await container.state()).status).toBe('running')
  },

  'many at once each have their own output': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    const outputs = await Promise.all([1, 2, 3, 4, 5, 6].map(n => container.exec(['echo', String(n)]).text()))
    expect(outputs).toEqual(['1\n', '2\n', '3\n', '4\n', '5\n', '6\n'])
  },

  'in a container that does not run it is a conflict': async ({ image }) => {
    const container = await image.cmd(...busy).create()
    await expectError(Promise.resolve(container.exec(['true'])), 'conflict')
  },

  'a command that is no list of words is refused before anything happens': async ({ image }) => {
    const container = await image.cmd(...busy).create()
    await expectError(Promise.resolve(container.exec([])), 'invalid_argument')
  }
})
