// Needs: root and the lab (test/lab).
import { createHash, randomBytes } from 'node:crypto'
import { EngineError, ExitError } from 'gantry'
import { expect } from 'vitest'
import { z } from 'zod'
import { conform } from './conform.js'
import { expectError, rejection } from './kit/errors.js'
import { collect, digestStream, Transcript, writeAll } from './kit/streams.js'

conform('run with pipes', {
  'the exit code is that of the command, and any code resolves': async ({ image }) => {
    for (const code of [0, 3, 255]) expect((await image.run(['sh', '-c', `exit ${code}`])).exitCode).toBe(code)
  },

  'stdout and stderr are kept apart': async ({ image }) => {
    const result = await image.run(['sh', '-c', 'echo out; echo err >&2; echo out again'])
    expect(result).toMatchObject({ exitCode: 0, stdout: 'out\nout again\n', stderr: 'err\n' })
  },

  'output without a line end, and no output at all, come as they are': async ({ image }) => {
    expect((await image.run(['printf', 'no newline'])).stdout).toBe('no newline')
    expect(await image.run(['true'])).toMatchObject({ stdout: '', stderr: '' })
  },

  'characters that arrive in two pieces are put together': async ({ image }) => {
    expect(await image.run(['sh', '-c', "printf '\\303'; sleep 0.2; printf '\\251\\n'"]).text()).toBe('é\n')
  },

  'output can be followed piece by piece, each with its stream and time': async ({ image }) => {
    const pieces = await collect(image.run(['sh', '-c', 'echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three']))
    expect(pieces.map(({ stream, text }) => [stream, text.trimEnd()])).toEqual([
      ['stdout', 'one'],
      ['stderr', 'two'],
      ['stdout', 'three']
    ])
    expect(pieces.every(piece => piece.at instanceof Date)).toBe(true)
  },

  'stdin that nobody writes to is at its end at once': async ({ image }) => {
    expect(await image.run(['sh', '-c', 'cat; echo end']).text()).toBe('end\n')
  },

  'stdin can be written and ended, and output goes on after that': async ({ image }) => {
    const process = image.run(['sh', '-c', 'cat; sleep 0.2; echo after the end'])
    process.stdin.write('first ')
    process.stdin.end('last\n')
    expect((await process).stdout).toBe('first last\nafter the end\n')
  },

  'a conversation works: each line is answered before the next is written': async ({ image }) => {
    const process = image.run(['sh', '-c', 'while read line; do echo "<$line>"; done; echo done'])
    const output = new Transcript(process.stdout)
    for (const word of ['one', 'two', 'three']) {
      process.stdin.write(`${word}\n`)
      await output.until(new RegExp(`<${word}>\n`))
    }
    process.stdin.end()
    await output.until(/done\n/)
    expect((await process).exitCode).toBe(0)
  },

  'ten megabytes of any bytes go through stdin and stdout unchanged': async ({ image }) => {
    const data = randomBytes(10 * 1024 * 1024)
    const process = image.run(['cat'])
    const [received] = await Promise.all([digestStream(process.stdout), writeAll(process.stdin, data)])
    expect(received).toEqual({ length: data.length, sha256: createHash('sha256').update(data).digest('hex') })
    expect((await process).exitCode).toBe(0)
  },

  'output that is read late is all there, and the writer waits for the reader': async ({ image }) => {
    const process = image.run(['sh', '-c', 'yes 0123456789abcde | head -c 33554432'])
    const output = process.stdout
    process.stderr.resume()
    await new Promise(resolve => setTimeout(resolve, 300))
    expect((await digestStream(output)).length).toBe(33_554_432)
    expect((await process).exitCode).toBe(0)
  },

  'a megabyte on each of stdout and stderr does not lock up': async ({ image }) => {
    const script = 'i=0; while [ $i -lt 128 ]; do printf %8192s o; printf %8192s e >&2; i=$((i+1)); done'
    const { stdout, stderr } = await image.run(['sh', '-c', script])
    expect([stdout.length, stderr.length]).toEqual([1_048_576, 1_048_576])
  },

  'a process that does not read its stdin does not keep the result back': async ({ image }) => {
    const process = image.run(['true'])
    process.stdin.on('error', () => {})
    process.stdin.write(randomBytes(1024 * 1024))
    expect((await process).exitCode).toBe(0)
  },

  'text gives stdout': async ({ image }) => {
    expect(await image.run(['sh', '-c', 'echo a; echo b >&2']).text()).toBe('a\n')
  },

  'lines gives stdout line by line, the last without a line end too': async ({ image }) => {
    expect(await collect(image.run(['printf', 'one\ntwo\n\nthree']).lines())).toEqual(['one', 'two', '', 'three'])
  },

  'json gives stdout as a checked value': async ({ image }) => {
    const schema = z.object({ name: z.string() })
    expect(await image.run(['echo', '{"name": "gantry"}']).json(schema)).toEqual({ name: 'gantry' })
    await expectError(image.run(['echo', '{"name": 5}']).json(schema), 'failed', /name/)
    await expectError(image.run(['echo', 'not json']).json(schema), 'failed')
  },

  'text, lines and json reject with ExitError, which has what the result has': async ({ image }) => {
    const argv = ['sh', '-c', 'echo out; echo err >&2; exit 9']
    const errors = [
      await rejection(image.run(argv).text()),
      await rejection(image.run(argv).json(z.unknown())),
      await rejection(collect(image.run(argv).lines()))
    ]
    for (const error of errors) {
      expect(error).toBeInstanceOf(ExitError)
      expect(EngineError.is(error)).toBe(true)
      expect(error).toMatchObject({ code: 'exited', exitCode: 9, argv, stderr: 'err\n' })
      expect((error as ExitError).message).toMatch(/exited with code 9[\s\S]*err/)
    }
    expect(errors[0]).toMatchObject({ stdout: 'out\n' })
  },

  'a signal that ends the process is told, by name and as 128 and its number': async ({ image }) => {
    const process = image.run(['sleep', '1000'])
    await process.id
    await process.kill()
    expect(await process).toMatchObject({ exitCode: 137, signal: 'SIGKILL' })
  },

  'kill sends the signal that it is given': async ({ image }) => {
    const process = image.run(['sh', '-c', 'trap "echo caught; exit 143" TERM; echo ready; while :; do sleep 0.05; done'])
    const output = new Transcript(process.stdout)
    await output.until(/ready/)
    await process.kill('SIGTERM')
    await output.until(/caught/)
    expect((await process).exitCode).toBe(143)
  },

  'a command that is not there rejects with its name and 127, and leaves no container': async ({ engine, image }) => {
    for (const command of ['no-such-command', '/no/such/command']) {
      const error = await expectError(image.run([command]), 'invalid_argument', new RegExp(command))
      expect(error.details.exitCode).toBe(127)
    }
    expect(await collect(engine.containers({ all: true }))).toEqual([])
  },

  'a command that cannot be executed rejects with its name and 126, and leaves no container': async ({ engine, image }) => {
    const error = await expectError(image.run(['/etc/not-a-program']), 'invalid_argument', /not-a-program/)
    expect(error.details.exitCode).toBe(126)
    expect(await collect(engine.containers({ all: true }))).toEqual([])
  },

  'a created container whose command is not there can be looked at after the failure': async ({ image }) => {
    for (const [command, exitCode] of [['no-such-command', 127] as const, ['/etc/not-a-program', 126] as const]) {
      const container = await image.cmd(command).create()
      await expectError(container.start(), 'invalid_argument', new RegExp(command))
      expect((await container.inspect()).State).toMatchObject({
        Status: 'created',
        Running: false,
        ExitCode: exitCode,
        Error: expect.stringContaining(command)
      })
    }
  },

  'an image without a command needs one: invalid_argument': async ({ engine, publish }) => {
    const spec = engine.image(await publish({ settings: {} }))
    await expectError(spec.run(), 'invalid_argument', /command/i)
    expect(await spec.run(['echo', 'given']).text()).toBe('given\n')
  },

  'without a command the image says what runs': async ({ engine, publish }) => {
    const spec = engine.image(await publish({ settings: { Cmd: ['echo', 'from the image'] } }))
    expect(await spec.run().text()).toBe('from the image\n')
    expect(await spec.cmd('echo', 'from the spec').run().text()).toBe('from the spec\n')
    expect(await spec.cmd('echo', 'from the spec').run(['echo', 'from run']).text()).toBe('from run\n')
  },

  'with remove the container is gone afterwards, and the result is there all the same': async ({ engine, image }) => {
    const process = image.run(['sh', '-c', 'echo here; exit 6'], { remove: true })
    const id = await process.id
    expect(await process).toMatchObject({ exitCode: 6, stdout: 'here\n' })
    await expectError(engine.container(id), 'not_found')
  },

  'twenty at once each get their own output': async ({ image }) => {
    const numbers = Array.from({ length: 20 }, (_, number) => number)
    const results = await Promise.all(numbers.map(number => image.run(['sh', '-c', `echo ${number}; exit ${number}`], { remove: true })))
    expect(results.map(result => [result.stdout, result.exitCode])).toEqual(numbers.map(number => [`${number}\n`, number]))
  },

  'an aborted run rejects with the reason, and its container is removed': async ({ engine, image, unique }) => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const name = unique()
    const process = image.run(['sleep', '1000'], { name, signal: controller.signal })
    await process.id
    controller.abort(reason)
    expect(await rejection(process)).toBe(reason)
    await expectError(engine.container(name), 'not_found')
  },

  'a run that was aborted before it began does nothing': async ({ engine, image, unique }) => {
    const name = unique()
    const reason = new Error('too late')
    expect(await rejection(image.run(['true'], { name, signal: AbortSignal.abort(reason) }))).toBe(reason)
    await expectError(engine.container(name), 'not_found')
  },

  'a run that takes longer than its timeout is deadline_exceeded': async ({ image }) => {
    await expectError(image.run(['sleep', '1000'], { timeout: '1s' }), 'deadline_exceeded')
  },

  'disposing a process ends it': async ({ image }) => {
    const process = image.run(['sleep', '1000'])
    const container = await process.container
    await process[Symbol.asyncDispose]()
    const state = await container.state().catch(() => undefined)
    expect(state?.status).not.toBe('running')
  }
})
