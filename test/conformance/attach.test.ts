// Needs: root and the lab (test/lab).
import type { Engine } from 'gantry'
import {
  ContainerAttach,
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerPause,
  ContainerStart,
  ContainerUnpause,
  type Hijacked,
  type InputOf,
  SystemEvents
} from 'gantry/api'
import { expect } from 'vitest'
import { type Behaviours, type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { collect, eventually } from './kit/streams.js'

const waitsForLine = 'echo before; echo wrong >&2; read line; echo "after $line"'
const withTerminal = { Tty: true, OpenStdin: true }

conform('attach', {
  'with logs and without stream it gives what was written, and ends': async context => {
    const id = await started(context, 'echo out; sleep 0.1; echo err >&2; sleep 1000')
    await written(context.engine, id, 'err')
    const attach = async (query: Query) => texts(await collect((await attached(context.engine, id, query)).output))
    expect(await attach({ logs: true, stdout: true, stderr: true })).toEqual({ stdout: 'out\n', stderr: 'err\n' })
    expect(await attach({ logs: true, stream: false, stdout: true })).toEqual({ stdout: 'out\n', stderr: '' })
    expect(await attach({ logs: true, stderr: true })).toEqual({ stdout: '', stderr: 'err\n' })
    expect(await attach({ logs: true })).toEqual({ stdout: '', stderr: '' })
  },

  'with neither it ends at once': async context => {
    const id = await started(context, 'echo out; sleep 1000')
    await written(context.engine, id, 'out')
    expect(await collect((await attached(context.engine, id, { stdout: true, stderr: true })).output)).toEqual([])
  },

  'with logs and stream it gives what was written and what comes then': async context => {
    const id = await started(context, waitsForLine, { OpenStdin: true })
    await written(context.engine, id, 'wrong')
    const connection = await attached(context.engine, id, { logs: true, stream: true, stdin: true, stdout: true, stderr: true })
    await connection.write(Buffer.from('all\n'))
    expect(texts(await collect(connection.output))).toEqual({ stdout: 'before\nafter all\n', stderr: 'wrong\n' })
  },

  'with logs of a terminal it gives what was on it': async context => {
    const id = await started(context, waitsForLine, withTerminal)
    await written(context.engine, id, 'wrong')
    const connection = await attached(context.engine, id, { logs: true, stream: true, stdin: true, stdout: true, stderr: true })
    await connection.write(Buffer.from('all\n'))
    expect(texts(await collect(connection.output)).stdout).toBe('before\r\nwrong\r\nall\r\nafter all\r\n')
  },

  'with logs of a container that has ended it gives its output': async context => {
    const id = await started(context, 'echo out')
    await eventually(async () => (await (await context.engine.container(id)).state()).status === 'exited')
    expect(texts(await collect((await attached(context.engine, id, { logs: true, stdout: true })).output)).stdout).toBe('out\n')
  },

  'the detach keys leave a terminal, and the container goes on': async context => {
    const { engine } = context
    const id = await started(context, 'while read line; do echo "<$line>"; done', withTerminal)
    const since = (Date.now() / 1000).toFixed(3)
    for (const [detachKeys, typed] of [
      [undefined, 'a\x10\x11'],
      ['ctrl-x,y', 'b\x18y'],
      ['q', 'cq']
    ] as const) {
      const connection = await attached(engine, id, { ...everything, ...(detachKeys && { detachKeys }) })
      for (const key of typed) await connection.write(Buffer.from(key))
      await collect(connection.output)
    }
    const again = await attached(engine, id, { ...everything, detachKeys: 'ctrl-x,y' })
    // The beginning of the keys is held back until the next one shows that they were none.
    for (const key of '\x18\x08d\n') await again.write(Buffer.from(key))
    await eventually(async () => (await (await engine.container(id)).logs().text()).includes('d>'))
    await again.close()
    expect((await (await engine.container(id)).state()).status).toBe('running')
    const actions = await eventually(async () => {
      const seen = await actionsSince(engine, id, since)
      return seen.filter(action => action === 'detach').length >= 3 && seen
    })
    expect(actions.slice(0, 6)).toEqual(['attach', 'detach', 'attach', 'detach', 'attach', 'detach'])
  },

  'without a terminal there are no detach keys': async context => {
    const id = await started(context, 'read line; echo "<$line>"', { OpenStdin: true })
    const connection = await attached(context.engine, id, { ...everything, detachKeys: 'q' })
    await connection.write(Buffer.from('aqb\n'))
    expect(texts(await collect(connection.output)).stdout).toBe('<aqb>\n')
  },

  'detach keys that are none are invalid_argument': async context => {
    const id = await started(context, 'sleep 1000', withTerminal)
    const attaching = attached(context.engine, id, { ...everything, detachKeys: 'ctrl-foo' })
    await expectError(attaching, 'invalid_argument', /Invalid detach keys \(ctrl-foo\) provided/)
  },

  'one that is paused cannot be attached to': async context => {
    const { engine } = context
    const id = await started(context, 'echo out; sleep 1000')
    await engine.raw.call(ContainerPause, { path: { id } })
    await expectError(
      attached(engine, id, { logs: true, stdout: true }),
      'conflict',
      new RegExp(`container ${id} is paused, unpause the container before attach`)
    )
    await engine.raw.call(ContainerUnpause, { path: { id } })
  },

  'one that is about to restart cannot be attached to': async context => {
    const { engine } = context
    const id = await started(context, 'exit 1', { HostConfig: { RestartPolicy: { Name: 'always' } } })
    await eventually(async () => {
      const { RestartCount = 0, State } = await (await engine.container(id)).inspect()
      return RestartCount >= 3 && State.Restarting
    })
    await expectError(attached(engine, id, everything), 'conflict', /is restarting, wait until the container is running/)
  }
})

const exactly: Behaviours = {
  'between the logs and what comes after them nothing is missing and nothing is twice': async context => {
    const script = 'i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo $i; done; sleep 2; echo over'
    const id = await started(context, script)
    const seen = await Promise.all(
      Array.from({ length: 5 }, async (_, turn) => {
        await new Promise(resolve => setTimeout(resolve, turn * 15))
        return texts(await collect((await attached(context.engine, id, { logs: true, stream: true, stdout: true })).output)).stdout
      })
    )
    for (const text of seen) expect(text).toBe(`${Array.from({ length: 4000 }, (_, index) => `${index + 1}\n`).join('')}over\n`)
  },

  'a line that has only begun is there once': async context => {
    const id = await started(context, 'printf begun; read line; echo " ended"', { OpenStdin: true })
    await new Promise(resolve => setTimeout(resolve, 300))
    const connection = await attached(context.engine, id, { ...everything, logs: true })
    await connection.write(Buffer.from('\n'))
    expect(texts(await collect(connection.output)).stdout).toBe('begun ended\n')
  }
}

conform('attach with logs, exactly', exactly, { later: { dockerd: 'reads the log first and listens then: what comes between is lost' } })

type Query = NonNullable<InputOf<typeof ContainerAttach>['query']>

const everything: Query = { stream: true, stdin: true, stdout: true, stderr: true }

function attached(engine: Engine, id: string, query: Query): Promise<Hijacked> {
  return engine.raw.call(ContainerAttach, { path: { id }, query })
}

async function started({ engine, reference }: Context, script: string, settings: Partial<ContainerCreateRequest> = {}): Promise<string> {
  const body = { Image: reference('busybox'), Cmd: ['sh', '-c', script], ...settings }
  const { Id: id } = await engine.raw.call(ContainerCreate, { body })
  await engine.raw.call(ContainerStart, { path: { id } })
  return id
}

async function written(engine: Engine, id: string, text: string): Promise<void> {
  await eventually(async () => (await (await engine.container(id)).logs().text()).includes(text))
}

function texts(frames: readonly { readonly stream: string; readonly data: Uint8Array }[]) {
  const of = (wanted: string) => Buffer.concat(frames.filter(({ stream }) => stream === wanted).map(({ data }) => data)).toString()
  return { stdout: of('stdout'), stderr: of('stderr') }
}

async function actionsSince(engine: Engine, id: string, since: string): Promise<readonly string[]> {
  const until = (Date.now() / 1000).toFixed(3)
  const events = await engine.raw.call(SystemEvents, { query: { since, until, filters: { container: [id] } } })
  return (await collect(events)).map(({ Action = '' }) => Action).filter(action => action === 'attach' || action === 'detach')
}
