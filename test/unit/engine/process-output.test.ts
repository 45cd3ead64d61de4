import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ContainerAttach } from '../../../src/api/index.js'
import { OutputMux } from '../../../src/engine/processes/output-mux.js'
import { EngineError } from '../../../src/errors/index.js'
import { FakeEngine, type Program } from './kit/fake-engine.js'
import { collect, rejection } from './kit/rejection.js'

const run = (program: Program) => {
  const fake = new FakeEngine().runs(program)
  return { fake, process: fake.engine.image('busybox').run(['program']) }
}

const noisy: Program = async ({ stdout, stderr }) => {
  await stdout('one\ntw')
  await stderr('oops\n')
  await stdout('o\n\nrest')
  return 0
}

describe('the output of a process', () => {
  it('comes line by line, the last without a line end too', async () => {
    expect(await collect(run(noisy).process.lines())).toEqual(['one', 'two', '', 'rest'])
  })

  it('comes piece by piece with its stream, and together is what was written', async () => {
    const pieces = await collect(run(noisy).process)
    expect(pieces.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'one\ntw'],
      ['stderr', 'oops\n'],
      ['stdout', 'o\n\nrest']
    ])
    expect(pieces.every(({ at }) => at instanceof Date)).toBe(true)
  })

  it('keeps a character together that comes in two pieces', async () => {
    const split: Program = async ({ stdout, stderr }) => {
      await stdout(Uint8Array.of(0xc3))
      await stderr('between')
      await stdout(Uint8Array.of(0xa9))
      return 0
    }
    expect(await run(split).process.text()).toBe('é')
    expect((await collect(run(split).process)).map(({ text }) => text)).toEqual(['between', 'é'])
  })

  it('is handed to streams, and then is not in the result', async () => {
    const { process } = run(noisy)
    const [stdout, result] = await Promise.all([collect(process.stdout), process])
    expect(Buffer.concat(stdout as Buffer[]).toString()).toBe('one\ntwo\n\nrest')
    expect(result).toMatchObject({ stdout: '', stderr: 'oops\n', lostBytes: 0 })
  })

  it('can be asked for after the process has ended', async () => {
    const { fake, process } = run(noisy)
    await process.container
    while (fake.last.status !== 'exited') await turn()
    expect(await process.text()).toBe('one\ntwo\n\nrest')
    expect(await process).toMatchObject({ stderr: 'oops\n' })
  })

  it('is taken from the container although nobody asks for it', async () => {
    const { fake, process } = run(async ({ stdout }) => {
      for (let count = 0; count < 100; count++) await stdout('x'.repeat(1000))
      return 0
    })
    await process.container
    while (fake.last.status !== 'exited') await turn()
    expect((await process).stdout).toHaveLength(100_000)
  })

  it('is written no faster than it is read from a stream', async () => {
    let written = 0
    const { process } = run(async ({ stdout }) => {
      for (; written < 100; written++) await stdout('x'.repeat(64 * 1024))
      return 0
    })
    const { stdout } = process
    await process.container
    for (let count = 0; count < 50; count++) await turn()
    expect(written).toBeLessThan(20)
    let length = 0
    for await (const chunk of stdout) length += (chunk as Buffer).length
    expect(length).toBe(100 * 64 * 1024)
  })

  it('goes on after a loop over it was left, and the process ends as usual', async () => {
    const { process } = run(async ({ stdout }) => {
      for (let count = 0; count < 200; count++) await stdout(`line ${count}\n`)
      return 3
    })
    for await (const line of process.lines()) {
      expect(line).toBe('line 0')
      break
    }
    expect((await process).exitCode).toBe(3)
  })

  it('is not given twice', async () => {
    const { process } = run(noisy)
    await collect(process.lines())
    expect(await rejection(process.text())).toMatchObject({ code: 'conflict' })
    expect(await rejection(collect(process.lines()))).toMatchObject({ code: 'conflict' })
    expect(() => process.stdout).toThrow(/in one way/)
  })

  it('fails where the connection breaks', async () => {
    const fake = new FakeEngine().runs(async ({ stdout }) => {
      await stdout('half')
      fake.last.output.fail(new EngineError('unavailable', 'the connection broke'))
      return 0
    })
    const broken = () => fake.engine.image('busybox').run(['program'])
    const uses = [
      () => broken().text(),
      () => broken(),
      () => collect(broken().lines()),
      () => collect(broken().stdout),
      () => collect(broken())
    ]
    for (const use of uses) expect(await rejection(use())).toMatchObject({ code: 'unavailable' })
  })

  it('fails as a stream where the process could not be made', async () => {
    const fake = new FakeEngine()
    fake.transport.answer(ContainerAttach, () => Promise.reject(new EngineError('failed', 'no way')))
    expect(await rejection(collect(fake.engine.image('busybox').run(['x']).stdout))).toMatchObject({ message: 'no way' })
    expect(await rejection(collect(fake.engine.image('busybox').run(['x'])))).toMatchObject({ message: 'no way' })
  })
})

describe('the input of a process', () => {
  const echo: Program = async ({ stdin, stdout }) => {
    await stdout(`<${await stdin}>`)
    return 0
  }

  it.each([
    ['await', async (process: ReturnType<typeof run>['process']) => (await process).stdout],
    ['text', (process: ReturnType<typeof run>['process']) => process.text()],
    ['lines', async (process: ReturnType<typeof run>['process']) => (await collect(process.lines())).join()],
    ['for await', async (process: ReturnType<typeof run>['process']) => (await collect(process)).map(({ text }) => text).join('')]
  ])('ends at %s where it was not used', async (_name, use) => {
    expect(await use(run(echo).process)).toBe('<>')
  })

  it('stays open where it was used', async () => {
    const { process } = run(echo)
    const { stdin } = process
    const result = process.text()
    stdin.write('first ')
    await turn()
    stdin.end('last')
    expect(await result).toBe('<first last>')
  })

  it('says why it is closed when it is used too late', async () => {
    const { process } = run(echo)
    const result = process.text()
    const error = await new Promise(resolve => process.stdin.write('late', resolve))
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringMatching(/Take stdin before/) })
    expect(await result).toBe('<>')
  })

  it('of a terminal ends by Ctrl-D', async () => {
    const fake = new FakeEngine().runs(async ({ typed, stdout }) => {
      let all = ''
      while (!all.endsWith('\x04')) all += await typed()
      await stdout(JSON.stringify(all))
      return 0
    })
    const process = fake.engine.image('busybox').run(['cat'], { tty: true })
    process.terminal.input.end('last\n')
    expect((await process).output).toBe('"last\\n\\u0004"')
    expect(fake.last.isStdinClosed).toBe(false)
  })
})

describe('OutputMux', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text)

  it('keeps the tail of what nobody asked for, and says how much was lost', () => {
    const mux = new OutputMux({ tailBytes: 10, collectBytes: 100 })
    for (const text of ['aaaa', 'bbbb', 'cccc']) mux.push('stdout', bytes(text))
    mux.push('stderr', bytes('d'))
    mux.end()
    expect(mux.text('stdout')).toBe('bbbbcccc')
    expect(mux.lostBytes(['stdout', 'stderr'])).toBe(4)
    expect(() => mux.wholeText('stdout')).toThrow(expect.objectContaining({ code: 'data_loss' }))
    expect(mux.wholeText('stderr')).toBe('d')
  })

  it('fails a reader that comes after something was lost', () => {
    const mux = new OutputMux({ tailBytes: 4, collectBytes: 100 })
    mux.push('stdout', bytes('aaaa'))
    mux.push('stdout', bytes('bbbb'))
    const failures: unknown[] = []
    mux.take(['stdout'], { write: () => undefined, end: () => {}, fail: reason => failures.push(reason) })
    expect(failures).toMatchObject([{ code: 'data_loss', details: { lostBytes: 4 } }])
  })

  it('collects more once it was asked to', () => {
    const mux = new OutputMux({ tailBytes: 4, collectBytes: 100 })
    mux.collect()
    for (let count = 0; count < 10; count++) mux.push('stdout', bytes('aaaa'))
    expect(mux.wholeText('stdout')).toHaveLength(40)
  })
})
