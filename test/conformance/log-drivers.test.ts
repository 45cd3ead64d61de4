// Needs: root and the lab (test/lab). Log files are read where the engine keeps them, on this host.
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Engine } from 'gantry'
import {
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerLogs,
  ContainerStart,
  ContainerWait,
  type InputOf,
  type LogConfig
} from 'gantry/api'
import { expect } from 'vitest'
import { type Behaviours, type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { collect, eventually } from './kit/streams.js'

type Options = Readonly<Record<string, string>>

/** `line 1` to `line <count>`. */
const counting = (count: number) => `for i in $(seq 1 ${count}); do echo line $i; done`

const rotating: Options = { 'max-size': '1k', 'max-file': '3' }

conform('log drivers', {
  'inspect shows the log configuration as it was given, and json-file where there was none': async ({ engine, reference }) => {
    const configOf = async (LogConfig: LogConfig | undefined) => {
      const { id } = await make(engine, { Image: reference('busybox'), HostConfig: LogConfig ? { LogConfig } : {} })
      return (await (await engine.container(id)).inspect()).HostConfig?.LogConfig
    }
    expect(await configOf(undefined)).toEqual({ Type: 'json-file', Config: {} })
    expect(await configOf({ Type: '', Config: rotating })).toEqual({ Type: 'json-file', Config: rotating })
    expect(await configOf({ Type: 'local', Config: { compress: 'false' } })).toEqual({ Type: 'local', Config: { compress: 'false' } })
    expect(await configOf({ Type: 'none', Config: { whatever: '1' } })).toEqual({ Type: 'none', Config: { whatever: '1' } })
  },

  'a file that is full is put aside, and only so many are kept': async context => {
    const id = await ran(context, 'json-file', rotating, counting(60))
    const files = await filesOf(context.engine, id)
    expect(Object.keys(files)).toEqual(['', '.1', '.2'])
    for (const suffix of ['.1', '.2']) expect(files[suffix]?.byteLength).toBeGreaterThanOrEqual(1000)
    const lines = await linesOf(context.engine, id)
    expect(lines.at(-1)).toBe('line 60')
    expect(lines.length).toBeGreaterThan(26)
    expect(lines.length).toBeLessThan(45)
    expect(lines).toEqual(lines.map((_, index) => `line ${61 - lines.length + index}`))
    expect(entries(files['.2'])[0]).toMatchObject({ log: `${lines[0]}\n`, stream: 'stdout' })
  },

  'with one file, what is full is dropped': async context => {
    const id = await ran(context, 'json-file', { 'max-size': '1k' }, counting(60))
    const lines = await linesOf(context.engine, id)
    expect(lines.at(-1)).toBe('line 60')
    expect(lines.length).toBeLessThan(15)
  },

  'files put aside are compressed, and read all the same': async context => {
    const { engine } = context
    const id = await ran(context, 'json-file', { ...rotating, compress: 'true' }, counting(35))
    const files = await eventually(async () => {
      const found = await filesOf(engine, id)
      return found['.1'] === undefined && found['.1.gz'] !== undefined && found
    })
    expect(Object.keys(files)).toEqual(['', '.1.gz', '.2.gz'])
    expect(entries(gunzipSync(files['.2.gz'] ?? ''))[0]).toMatchObject({ log: 'line 1\n' })
    expect(await linesOf(engine, id)).toEqual(Array.from({ length: 35 }, (_, index) => `line ${index + 1}`))
    expect(await linesOf(engine, id, { tail: '30' })).toEqual(Array.from({ length: 30 }, (_, index) => `line ${index + 6}`))
  },

  'tail counts across files': async context => {
    const id = await ran(context, 'json-file', rotating, 'seq 1 30')
    for (const tail of [1, 10, 20, 28]) {
      expect(await linesOf(context.engine, id, { tail: String(tail) })).toEqual(
        Array.from({ length: tail }, (_, index) => String(31 - tail + index))
      )
    }
  },

  'since and until read across files': async context => {
    const { engine } = context
    const id = await ran(context, 'json-file', rotating, 'seq 1 20; sleep 1.2; seq 21 30')
    const times = (await linesOf(engine, id, { timestamps: true })).map(line => Date.parse(`${line.slice(0, 23)}Z`) / 1000)
    const between = (((times[19] ?? 0) + (times[20] ?? 0)) / 2).toFixed(3)
    expect(await linesOf(engine, id, { since: between })).toEqual(Array.from({ length: 10 }, (_, index) => String(index + 21)))
    expect(await linesOf(engine, id, { until: between })).toEqual(Array.from({ length: 20 }, (_, index) => String(index + 1)))
  },

  'a container that starts again goes on with its files': async context => {
    const { engine } = context
    const id = await ran(context, 'json-file', rotating, 'seq 1 10')
    await engine.raw.call(ContainerStart, { path: { id } })
    await engine.raw.call(ContainerWait, { path: { id } })
    expect(await linesOf(engine, id)).toHaveLength(20)
    expect(Object.keys(await filesOf(engine, id))).toEqual(['', '.1'])
  },

  'labels, variables and a tag are in every entry': async context => {
    const { engine } = context
    const id = await ran(
      context,
      'json-file',
      { labels: 'color,none', 'labels-regex': '^com', env: 'FOO', 'env-regex': '^B.Z', tag: '{{.Name}}/{{.ID}}/{{.ImageName}}' },
      'echo out',
      { Labels: { color: 'red', shape: 'round', 'com.x': '<1>' }, Env: ['FOO=a b&c', 'BAZ=1', 'OTHER=2'] }
    )
    const name = (await (await engine.container(id)).inspect()).Name.slice(1)
    const image = context.reference('busybox')
    expect(entries((await filesOf(engine, id))[''])).toEqual([
      {
        log: 'out\n',
        stream: 'stdout',
        attrs: { BAZ: '1', FOO: 'a b&c', color: 'red', 'com.x': '<1>', tag: `${name}/${id.slice(0, 12)}/${image}` },
        time: expect.any(String)
      }
    ])
    const tag = `${name}%2F${id.slice(0, 12)}%2F${encodeURIComponent(image)}`
    expect(await linesOf(engine, id, { details: true })).toEqual([`BAZ=1,FOO=a+b%26c,color=red,com.x=%3C1%3E,tag=${tag} out`])
    expect(await linesOf(engine, id)).toEqual(['out'])
  },

  'details come after the time, and before a line without any is a space': async context => {
    const { engine } = context
    const tagged = await ran(context, 'json-file', { tag: 'web (one)*' }, 'echo out')
    expect(await linesOf(engine, tagged, { details: true, timestamps: true })).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z tag=web\+%28one%29%2A out$/)
    ])
    const plain = await ran(context, 'json-file', {}, 'echo out')
    expect(await linesOf(engine, plain, { details: true })).toEqual([' out'])
  },

  'the file is written as Docker writes it, byte by byte': async context => {
    const id = await ran(context, 'json-file', { tag: '<&>' }, String.raw`printf '\t\b\f\001\177\\<>&"é\342\200\250 /\n'`)
    const text = (await filesOf(context.engine, id))['']?.toString()
    const log = String.raw`\u0009\u0008\u000c\u0001${'\x7f'}\\\u003c\u003e\u0026\"é\u2028 /\n`
    expect(text?.slice(0, text.indexOf('"time"'))).toBe(`{"log":"${log}","stream":"stdout","attrs":{"tag":"\\u003c\\u0026\\u003e"},`)
  },

  'an option that is none, or a driver that is none, is refused when the container is made': async context => {
    const refused = (Type: string, Config: Options, message: RegExp) =>
      expectError(
        make(context.engine, { Image: context.reference('busybox'), HostConfig: { LogConfig: { Type, Config } } }),
        'invalid_argument',
        message
      )
    await refused('json-file', { colour: 'red' }, /unknown log opt 'colour' for json-file log driver/)
    await refused('', { colour: 'red' }, /unknown log opt 'colour' for json-file log driver/)
    await refused('local', { tag: 'x' }, /unknown log opt 'tag' for log driver local/)
    await refused('json-file', { mode: 'quick' }, /logger: logging mode not supported: quick/)
    await refused('json-file', { 'max-buffer-size': '4m' }, /max-buffer-size option is only supported with 'mode=non-blocking'/)
    await refused(
      'json-file',
      { mode: 'non-blocking', 'max-buffer-size': '4x' },
      /error parsing option max-buffer-size: invalid size: '4x'/
    )
  },

  'a driver that nobody has is refused by its name': async context => {
    const HostConfig = { LogConfig: { Type: 'nonsense', Config: {} } }
    await expectError(
      make(context.engine, { Image: context.reference('busybox'), HostConfig }),
      'invalid_argument',
      /error looking up logging plugin nonsense: plugin "nonsense" not found/
    )
  },

  'an option that says nothing sensible is refused at the start, and the container says why': async context => {
    const { engine } = context
    const wrong: readonly (readonly [string, Options, string])[] = [
      ['json-file', { 'max-size': '1zz' }, "invalid size: '1zz'"],
      ['json-file', { 'max-size': '0' }, 'max-size must be a positive number'],
      ['json-file', { 'max-file': 'x', 'max-size': '1k' }, 'strconv.Atoi: parsing "x": invalid syntax'],
      ['json-file', { 'max-file': '0', 'max-size': '1k' }, 'max-file cannot be less than 1'],
      ['json-file', { compress: 'maybe' }, 'strconv.ParseBool: parsing "maybe": invalid syntax'],
      ['json-file', { compress: 'true', 'max-size': '1k' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
      ['json-file', { compress: 'true', 'max-file': '3' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
      [
        'json-file',
        { tag: '{{.Foo}}' },
        'template: log-tag:1:2: executing "log-tag" at <.Foo>: can\'t evaluate field Foo in type *logger.Info'
      ],
      ['json-file', { tag: '{{.Name' }, 'template: log-tag:1: unclosed action'],
      ['json-file', { tag: '{{foo .Name}}' }, 'template: log-tag:1: function "foo" not defined'],
      ['json-file', { 'env-regex': '(' }, 'error parsing regexp: missing closing ): `(`'],
      ['json-file', { 'labels-regex': '(?=x)' }, 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
      ['local', { 'max-size': 'foo' }, "invalid value for max-size: foo: invalid size: 'foo'"],
      ['local', { 'max-file': 'z' }, 'invalid value for max-file: z: strconv.Atoi: parsing "z": invalid syntax'],
      ['local', { 'max-file': '1' }, 'compression cannot be enabled when max file count is 1'],
      ['local', { compress: 'foo' }, 'error reading compress log option: strconv.ParseBool: parsing "foo": invalid syntax']
    ]
    for (const [Type, Config, why] of wrong) {
      const message = `failed to initialize logging driver: ${why}`
      const { id } = await make(engine, { Image: context.reference('busybox'), Cmd: ['true'], HostConfig: { LogConfig: { Type, Config } } })
      const error = await expectError(engine.raw.call(ContainerStart, { path: { id } }), 'failed')
      expect(error.message).toContain(message)
      expect((await (await engine.container(id)).inspect()).State).toMatchObject({ Status: 'created', ExitCode: 128, Error: message })
    }
  },

  'options with one meaning in several spellings are accepted': async context => {
    for (const options of [
      { 'max-size': '1.5k' },
      { 'max-size': '1 kb' },
      { 'max-size': '1KiB' },
      { 'max-file': '3' },
      { compress: 'F' }
    ]) {
      const id = await ran(context, 'json-file', options as Options, 'echo out')
      expect(await linesOf(context.engine, id)).toEqual(['out'])
    }
  },

  'a tag is a template: functions and pipes': async context => {
    const tag = '{{upper .DaemonName}}-{{.Command | title}}-{{json .ContainerLabels}}-{{.ContainerLabels.a}}'
    const id = await ran(context, 'json-file', { tag }, 'echo out', { Labels: { a: 'b' } })
    expect(entries((await filesOf(context.engine, id))[''])[0]).toMatchObject({
      attrs: { tag: 'DOCKER-Sh -C Echo Out-{"a":"b"}-b' }
    })
  },

  'a log that nobody waits for has what was written': async context => {
    const id = await ran(context, 'json-file', { mode: 'non-blocking', 'max-buffer-size': '4m' }, 'seq 1 500')
    expect(await eventually(async () => (await linesOf(context.engine, id)).length === 500)).toBe(true)
  },

  'local keeps every byte, and is read like json-file': async context => {
    const { engine } = context
    const id = await ran(context, 'local', {}, String.raw`echo out; sleep 0.1; echo err >&2; sleep 0.1; printf '\377\000x\n'; printf rest`)
    const frames = await collect(await engine.raw.call(ContainerLogs, { path: { id }, query: { stdout: true, stderr: true } }))
    expect(frames.map(({ stream, data }) => [stream, Buffer.from(data).toString('latin1')])).toEqual([
      ['stdout', 'out\n'],
      ['stderr', 'err\n'],
      ['stdout', '\xff\0x\n'],
      ['stdout', 'rest']
    ])
    expect(await linesOf(engine, id, { tail: '2' })).toHaveLength(2)
    expect((await linesOf(engine, id, { details: true }))[0]).toBe(' out')
    expect((await (await engine.container(id)).inspect()).LogPath).toBe('')
  },

  'local rotates and compresses': async context => {
    const { engine } = context
    const id = await ran(context, 'local', { 'max-size': '1k', 'max-file': '4' }, 'seq 1 80')
    const lines = await linesOf(engine, id)
    expect(lines).toEqual(Array.from({ length: 80 }, (_, index) => String(index + 1)))
    expect(await linesOf(engine, id, { tail: '70' })).toEqual(lines.slice(-70))
    const shown = await linesOf(engine, id, { timestamps: true, tail: '1' })
    expect(shown[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 80$/)
  },

  'none keeps nothing, and says so': async context => {
    const { engine } = context
    const id = await ran(context, 'none', {}, 'echo out')
    await expectError(linesOf(engine, id), ['not_supported', 'not_implemented'], /configured logging driver does not support reading/)
    expect((await (await engine.container(id)).inspect()).LogPath).toBe('')
  }
})

const following: Behaviours = {
  'follow survives that files are put aside': async context => {
    const { engine } = context
    for (const compress of ['false', 'true']) {
      const id = await started(
        context,
        'json-file',
        { 'max-size': '1k', 'max-file': '5', compress },
        'for i in $(seq 1 40); do echo $i; sleep 0.02; done'
      )
      expect(await linesOf(engine, id, { follow: true })).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)))
    }
  },

  'another engine follows it too': async context => {
    const other = await context.open()
    const options = { 'max-size': '1k', 'max-file': '5', compress: 'true' }
    const id = await started(context, 'json-file', options, 'for i in $(seq 1 60); do echo $i; sleep 0.02; done')
    expect(await linesOf(other, id, { follow: true })).toEqual(Array.from({ length: 60 }, (_, index) => String(index + 1)))
  },

  'follow of local survives that files are put aside': async context => {
    const id = await started(context, 'local', { 'max-size': '500' }, 'for i in $(seq 1 40); do echo $i; sleep 0.02; done')
    expect(await linesOf(context.engine, id, { follow: true })).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)))
  }
}

conform('following a log that rotates', following, {
  later: { dockerd: 'its reader gives lines twice, or not at all, when a file is put aside (20.10)' }
})

async function make(engine: Engine, body: ContainerCreateRequest): Promise<{ readonly id: string }> {
  const { Id: id } = await engine.raw.call(ContainerCreate, { body })
  return { id }
}

async function started(
  { engine, reference }: Context,
  Type: string,
  Config: Options,
  script: string,
  settings: Partial<ContainerCreateRequest> = {}
): Promise<string> {
  const HostConfig = { LogConfig: { Type, Config } }
  const { id } = await make(engine, { Image: reference('busybox'), Cmd: ['sh', '-c', script], ...settings, HostConfig })
  await engine.raw.call(ContainerStart, { path: { id } })
  return id
}

async function ran(...given: Parameters<typeof started>): Promise<string> {
  const id = await started(...given)
  await given[0].engine.raw.call(ContainerWait, { path: { id } })
  return id
}

async function linesOf(engine: Engine, id: string, query: InputOf<typeof ContainerLogs>['query'] = {}): Promise<readonly string[]> {
  const frames = await collect(await engine.raw.call(ContainerLogs, { path: { id }, query: { stdout: true, stderr: true, ...query } }))
  const text = Buffer.concat(frames.map(({ data }) => data)).toString()
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** The files of a log by what comes after its name, in order. */
async function filesOf(engine: Engine, id: string): Promise<Readonly<Record<string, Buffer>>> {
  const LogPath = (await (await engine.container(id)).inspect()).LogPath ?? ''
  const names = (await readdir(dirname(LogPath))).filter(name => name.startsWith(basename(LogPath))).sort()
  return Object.fromEntries(
    await Promise.all(
      names.map(async name => [name.slice(basename(LogPath).length), await readFile(`${dirname(LogPath)}/${name}`)] as const)
    )
  )
}

function entries(file: Buffer | undefined): readonly unknown[] {
  return (file ?? Buffer.alloc(0))
    .toString()
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}
