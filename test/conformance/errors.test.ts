// Needs: root and the lab (test/lab).
import { EngineError } from 'gantry'
import { ContainerCreate, ContainerList } from 'gantry/api'
import { expect } from 'vitest'
import { type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { collect } from './kit/streams.js'

/** A value of the wrong type on its way past the compiler, as from a program in plain JavaScript. */
const wrong = <T>(value: unknown): T => value as T

/** What fails, and what its message has to name: the option, and what was expected of it. */
const mistakes: Readonly<Record<string, readonly [attempt: (context: Context) => unknown, field: RegExp, expected: RegExp]>> = {
  'a reference that is a number': [({ engine }) => engine.image(wrong(5)).pull(), /reference/, /string|text/],
  'a variable that is a number': [({ image }) => image.env({ PORT: wrong(80) }).create(), /env.*PORT/, /string|text/],
  'labels that are a list': [({ image }) => image.label(wrong(['a'])).create(), /label/, /object|record/],
  'a folder that is no path': [({ image }) => image.cwd(wrong(7)).create(), /cwd/, /string|text/],
  'a user that is an object': [({ image }) => image.user(wrong({})).create(), /user/, /string|text/],
  'a command that is a string': [({ image }) => image.run(wrong('echo hello')), /run/, /list|object/],
  'an argument that is a number': [({ image }) => image.run(['sleep', wrong(5)]), /argv|command|cmd/, /string|text/],
  'a memory limit that is no size': [({ image }) => image.limits({ memory: wrong('lots') }).create(), /memory/, /512m|size|bytes/],
  'a name that is a number': [({ image }) => image.create({ name: wrong(5) }), /name/, /string|text/],
  'a policy that there is not': [({ image }) => image.run(['true'], { pull: wrong('sometimes') }), /pull/, /missing.*always.*never|always/],
  'a timeout that is no duration': [({ image }) => image.run(['true'], { timeout: wrong('soon') }), /timeout/, /10s|duration|time span/],
  'a signal that is none': [({ image }) => image.run(['true'], { signal: wrong('SIGKILL') }), /signal/, /AbortSignal/]
}

conform('errors', {
  ...Object.fromEntries(
    Object.entries(mistakes).map(([name, [attempt, field, expected]]) => [
      `${name} is invalid_argument: the field, and what was expected`,
      async (context: Context) => {
        const error = await expectError((async () => attempt(context))(), 'invalid_argument', field)
        expect(error.message).toMatch(expected)
        expect(await collect(context.engine.containers({ all: true }))).toEqual([])
      }
    ])
  ),

  'a raw call with a wrong type names the path in the body': async ({ engine, image }) => {
    const body = { Image: image.reference, HostConfig: { Memory: wrong<number>('lots') } }
    const error = await expectError(engine.raw.call(ContainerCreate, { body }), 'invalid_argument', /HostConfig\.Memory/)
    expect(error.message).toMatch(/number|integer/)
  },

  'a raw call with a wrong query names the parameter': async ({ engine }) => {
    await expectError(engine.raw.call(ContainerList, { query: { limit: wrong<number>('three') } }), 'invalid_argument', /limit/)
  },

  'every failure is an EngineError with a code and a message': async ({ engine }) => {
    const error = await expectError(engine.container('no-such-container'), 'not_found')
    expect(error).toBeInstanceOf(EngineError)
    expect(error.name).toBe('EngineError')
    expect(error.details).toBeTypeOf('object')
  },

  'an engine that is closed says so': async ({ open, reference }) => {
    const engine = await open()
    const spec = engine.image(reference('busybox'))
    await engine.close()
    const error = await expectError((async () => spec.create())(), ['unavailable', 'conflict', 'invalid_argument', 'failed'])
    expect(error.message).toMatch(/closed/)
  },

  'a container of an image that is not here and not to be pulled leaves no record': async ({ engine, publish }) => {
    const body = { Image: await publish() }
    await expectError(engine.raw.call(ContainerCreate, { body }), 'not_found', /fresh-/)
    expect(await collect(engine.containers({ all: true }))).toEqual([])
  }
})
