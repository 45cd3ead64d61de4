import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ContainerCreate, ContainerStart } from '../../../src/api/index.js'
import { DetachKeys } from '../../../src/engine/processes/detach-keys.js'
import { EngineError } from '../../../src/errors/index.js'
import { FakeEngine, type Program } from './kit/fake-engine.js'
import { FakeStdio } from './kit/fake-stdio.js'
import { rejection } from './kit/rejection.js'

/** Echoes what is typed until it is "exit". */
const shell: Program = async ({ typed, stdout }) => {
  await stdout('$ ')
  for (;;) {
    const line = await typed()
    if (line === 'exit\r') return 7
    await stdout(`<${line}>`)
  }
}

const start = (program: Program = shell) => {
  const fake = new FakeEngine().runs(program)
  return { fake, process: fake.engine.image('busybox').run(['sh'], { tty: true }), stdio: new FakeStdio() }
}

describe('terminal.attach', () => {
  it('makes the terminal raw while it lasts, passes keys and output, and gives the exit code', async () => {
    const { process, stdio } = start()
    const attached = process.terminal.attach(stdio.process)
    await stdio.printed(/\$ /)
    expect(stdio.isRaw).toBe(true)
    stdio.type('ls\r')
    await stdio.printed(/<ls\r>/)
    stdio.type('exit\r')
    expect(await attached).toBe(7)
    expect(stdio.isRaw).toBe(false)
    expect(stdio.listeners()).toBe(0)
  })

  it('has the size from the start, and follows it', async () => {
    const { fake, process, stdio } = start()
    const attached = process.terminal.attach(stdio.process)
    await stdio.printed(/\$ /)
    expect(fake.transport.inputs(ContainerCreate)[0]?.body.HostConfig?.ConsoleSize).toEqual([24, 80])
    stdio.resize(132, 50)
    stdio.resize(133, 51)
    await turn()
    expect(fake.last.sizes.at(-1)).toBe('133x51')
    stdio.type('exit\r')
    await attached
  })

  it('detaches by Ctrl-P Ctrl-Q, and the container goes on', async () => {
    const { fake, process, stdio } = start()
    const attached = process.terminal.attach(stdio.process)
    await stdio.printed(/\$ /)
    stdio.type('\x10')
    stdio.type('\x11')
    expect(await attached).toBe(0)
    expect(stdio.isRaw).toBe(false)
    expect(fake.last.status).toBe('running')
    expect(fake.transport.ids).not.toContain('ContainerDelete')
    expect(await rejection(process)).toMatchObject({ code: 'failed', message: expect.stringMatching(/detached/) })
    await fake.engine.close()
  })

  it('gives the terminal back when the container cannot be started', async () => {
    const { fake, process, stdio } = start()
    fake.transport.answer(ContainerStart, () => Promise.reject(new EngineError('invalid_argument', 'no such file or directory')))
    expect(await rejection(process.terminal.attach(stdio.process))).toMatchObject({ details: { exitCode: 127 } })
    expect(stdio.isRaw).toBe(false)
    expect(stdio.listeners()).toBe(0)
  })

  it('types Ctrl-D at the end of an input that is no terminal, twice in the middle of a line', async () => {
    for (const [input, typed] of [
      ['ls\n', 'ls\n\x04'],
      ['ls', 'ls\x04\x04']
    ] as const) {
      const { process } = start(async ({ typed: next, stdout }) => {
        let all = ''
        while (all.length < typed.length) all += await next()
        await stdout(JSON.stringify(all))
        return 0
      })
      const [stdin, stdout] = [new PassThrough(), new PassThrough()]
      stdin.end(input)
      expect(await process.terminal.attach({ stdin, stdout } as unknown as NodeJS.Process)).toBe(0)
      expect(JSON.parse(String(stdout.read()))).toBe(typed)
    }
  })

  it('remembers a size that is set before the start', async () => {
    const { fake, process } = start(() => 0)
    await process.terminal.resize(100, 40)
    expect(fake.last.body.HostConfig?.ConsoleSize).toEqual([40, 100])
    await process
  })
})

describe('DetachKeys', () => {
  const push = (...chunks: string[]) => {
    const keys = new DetachKeys()
    return chunks.map(chunk => {
      const { pass, detached } = keys.push(Buffer.from(chunk))
      return `${JSON.stringify(Buffer.from(pass).toString())}${detached ? ' detached' : ''}`
    })
  }

  it('holds a Ctrl-P back until it is clear what it was', () => {
    expect(push('a\x10', 'b')).toEqual(['"a"', '"\\u0010b"'])
    expect(push('a\x10\x11b')).toEqual(['"a" detached'])
    expect(push('\x10', '\x10', '\x11')).toEqual(['""', '"\\u0010"', '"" detached'])
    expect(push('\x11')).toEqual(['"\\u0011"'])
  })
})
