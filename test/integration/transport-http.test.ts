// Needs: the lab's dockerd (root) and, for its image, the lab's registry.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pack } from 'tar-stream'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Frame, InputOf } from '../../src/api/index.js'
import {
  ContainerArchive,
  ContainerArchiveInfo,
  ContainerAttach,
  ContainerCreate,
  ContainerDelete,
  ContainerExec,
  ContainerExport,
  ContainerInspect,
  ContainerKill,
  ContainerLogs,
  ContainerResize,
  ContainerStart,
  ContainerStats,
  ContainerStop,
  ContainerWait,
  ExecInspect,
  ExecResize,
  ExecStart,
  ImageBuild,
  ImageCreate,
  ImageInspect,
  PutContainerArchive,
  SystemEvents,
  SystemInfo,
  SystemPing,
  SystemPingHead
} from '../../src/api/index.js'
import { openHttp } from '../../src/transport/http/open-http.js'
import type { Transport } from '../../src/transport/transport.js'

const lab = inject('lab')
const host = lab.dockerd?.host ?? ''
const image = lab.images.busybox ?? ''
const isMissing = host === '' || image === ''

type Create = NonNullable<InputOf<typeof ContainerCreate>['body']>

describe.skipIf(isMissing)('the HTTP transport and a real dockerd (needs root, dockerd, docker-registry)', () => {
  let engine: Transport
  const made = new Set<string>()

  const create = async (body: Partial<Create>): Promise<string> => {
    const { Id } = await engine.call(ContainerCreate, { body: { Image: image, ...body } })
    made.add(Id)
    return Id
  }
  /** Start it and wait for its end; the wait is registered before the start. */
  const runToEnd = async (id: string): Promise<number | undefined> => {
    let onResponse = (): void => {}
    const registered = new Promise<void>(done => {
      onResponse = done
    })
    const wait = engine.call(ContainerWait, { path: { id }, query: { condition: 'next-exit' } }, { onResponse })
    await registered
    await engine.call(ContainerStart, { path: { id } })
    return (await wait).StatusCode
  }
  const collect = async (output: AsyncIterable<Frame>): Promise<Record<string, string>> => {
    const texts: Record<string, string> = {}
    for await (const { stream, data } of output) texts[stream] = (texts[stream] ?? '') + Buffer.from(data).toString()
    return texts
  }
  const attachAll = { stream: true, stdin: true, stdout: true, stderr: true }

  beforeAll(async () => {
    engine = await openHttp({ host })
    for await (const _progress of await engine.call(ImageCreate, { query: { fromImage: image } }));
  })
  afterAll(async () => {
    for (const id of made) await engine.call(ContainerDelete, { path: { id }, query: { force: true, v: true } })
    await engine.close()
  })

  it("agrees on the engine's own version", async () => {
    expect(engine).toMatchObject({ kind: 'unix', endpoint: host, apiVersion: '1.41' })
    expect(await engine.call(SystemPing, {})).toBe('OK')
    expect(await engine.call(SystemPingHead, {})).toMatchObject({ 'api-version': '1.41' })
    expect(await engine.call(SystemInfo, {})).toMatchObject({ OSType: 'linux' })
  })

  it('creates, starts, waits for and reads the output of a container, both streams apart', async () => {
    const id = await create({ Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 3'] })
    expect(await runToEnd(id)).toBe(3)
    expect(await collect(await engine.call(ContainerLogs, { path: { id }, query: { stdout: true, stderr: true } }))).toEqual({
      stdout: 'out\n',
      stderr: 'err\n'
    })
  })

  it('reads the output of a terminal as one raw stream', async () => {
    const id = await create({ Tty: true, Cmd: ['sh', '-c', 'echo out; echo err >&2'] })
    expect(await runToEnd(id)).toBe(0)
    const logs = await engine.call(ContainerLogs, { path: { id }, query: { stdout: true, stderr: true } })
    expect(await collect(logs)).toEqual({ stdout: 'out\r\nerr\r\n' })
  })

  it('start and stop say whether they changed anything', async () => {
    const id = await create({ Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' })
    const path = { id }
    expect(await engine.call(ContainerStart, { path })).toEqual({ modified: true })
    expect(await engine.call(ContainerStart, { path })).toEqual({ modified: false })
    expect(await engine.call(ContainerStop, { path })).toEqual({ modified: true })
    expect(await engine.call(ContainerStop, { path })).toEqual({ modified: false })
  })

  it('attaches to cat: what goes in comes out, and closing stdin ends it', async () => {
    const id = await create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true })
    const attached = await engine.call(ContainerAttach, { path: { id }, query: attachAll })
    expect(attached.tty).toBe(false)
    const end = runToEnd(id)
    const sent = randomBytes(4 * 2 ** 20)
    const writing = (async () => {
      for (let at = 0; at < sent.length; at += 100_000) await attached.write(sent.subarray(at, at + 100_000))
      await attached.closeWrite()
    })()
    const pieces: Uint8Array[] = []
    for await (const { stream, data } of attached.output) {
      expect(stream).toBe('stdout')
      pieces.push(data)
    }
    await writing
    expect(Buffer.concat(pieces).equals(sent)).toBe(true)
    expect(await end).toBe(0)
  })

  it('attaches to a terminal, which is raw and can be resized', async () => {
    const id = await create({ Cmd: ['sh'], Tty: true, OpenStdin: true, StdinOnce: true })
    const attached = await engine.call(ContainerAttach, { path: { id }, query: attachAll })
    expect(attached.tty).toBe(true)
    await engine.call(ContainerStart, { path: { id } })
    expect(await engine.call(ContainerResize, { path: { id }, query: { h: 33, w: 111 } })).toEqual({ modified: true })
    await attached.write(Buffer.from('stty size; exit 7\n'))
    expect(await collect(attached.output)).toMatchObject({ stdout: expect.stringContaining('33 111\r\n') })
    expect(await engine.call(ContainerWait, { path: { id } })).toMatchObject({ StatusCode: 7 })
  })

  it('runs exec with pipes and with a terminal', async () => {
    const id = await create({ Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' })
    await engine.call(ContainerStart, { path: { id } })
    const exec = async (body: Parameters<typeof engine.call<typeof ContainerExec>>[1]['body']): Promise<string> =>
      (await engine.call(ContainerExec, { path: { id }, body: { AttachStdin: true, AttachStdout: true, AttachStderr: true, ...body } })).Id

    const pipes = await exec({ Cmd: ['sh', '-c', 'cat; echo err >&2; exit 5'] })
    const piped = await engine.call(ExecStart, { path: { id: pipes }, body: {} })
    await piped.write(Buffer.from('in'))
    await piped.closeWrite()
    expect([piped.tty, await collect(piped.output)]).toEqual([false, { stdout: 'in', stderr: 'err\n' }])
    expect(await engine.call(ExecInspect, { path: { id: pipes } })).toMatchObject({ ExitCode: 5, Running: false })

    const terminal = await exec({ Cmd: ['sh', '-c', 'read x; stty size'], Tty: true })
    // The body does not say so: it is as it was created.
    const started = await engine.call(ExecStart, { path: { id: terminal }, body: {} })
    await engine.call(ExecResize, { path: { id: terminal }, query: { h: 20, w: 90 } })
    await started.write(Buffer.from('\n'))
    expect(started.tty).toBe(true)
    expect((await collect(started.output)).stdout).toContain('20 90\r\n')
  })

  it('copies archives in and out', async () => {
    const id = await create({ Cmd: ['true'] })
    const exported: Uint8Array[] = []
    for await (const piece of await engine.call(ContainerArchive, { path: { id }, query: { path: '/etc/hostname' } })) exported.push(piece)
    const archive = (async function* () {
      yield* exported
    })()
    await engine.call(PutContainerArchive, { path: { id }, query: { path: '/tmp' }, body: archive })
    const info = await engine.call(ContainerArchiveInfo, { path: { id }, query: { path: '/tmp/hostname' } })
    expect(JSON.parse(Buffer.from(info['x-docker-container-path-stat'], 'base64').toString())).toMatchObject({ name: 'hostname' })
  })

  it('a large archive for a container that is not there is refused with not_found', async () => {
    const archive = (async function* () {
      for (let n = 0; n < 1000; n++) yield new Uint8Array(65_536)
    })()
    const call = engine.call(PutContainerArchive, { path: { id: 'nobody' }, query: { path: '/' }, body: archive })
    await expect(call).rejects.toMatchObject({ code: 'not_found' })
  })

  describe('errors', () => {
    it('an unknown container is not_found, an unknown image too', async () => {
      await expect(engine.call(ContainerInspect, { path: { id: 'nobody' } })).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining('nobody'),
        details: { status: 404 }
      })
      await expect(engine.call(ContainerAttach, { path: { id: 'nobody' }, query: attachAll }, { tty: false })).rejects.toMatchObject({
        code: 'not_found'
      })
      await expect(engine.call(ImageInspect, { path: { name: 'no/such:image' } })).rejects.toMatchObject({ code: 'not_found' })
    })

    it('a conflict keeps what dockerd says, also where a connection was to be taken over', async () => {
      const id = await create({ Cmd: ['true'] })
      await expect(engine.call(ContainerKill, { path: { id } })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('is not running'),
        details: { status: 409 }
      })
      await expect(engine.call(ContainerExec, { path: { id }, body: { Cmd: ['true'] } })).rejects.toMatchObject({ code: 'conflict' })
    })

    it('a name that is taken is already_exists', async () => {
      const name = `taken-${process.pid}`
      const { Id } = await engine.call(ContainerCreate, { query: { name }, body: { Image: image } })
      made.add(Id)
      await expect(engine.call(ContainerCreate, { query: { name }, body: { Image: image } })).rejects.toMatchObject({
        code: 'already_exists'
      })
    })

    it('a body dockerd cannot use is invalid_argument', async () => {
      const call = engine.call(ContainerCreate, { body: { Image: image, HostConfig: { RestartPolicy: { Name: 'sometimes' as 'no' } } } })
      await expect(call).rejects.toMatchObject({ code: 'invalid_argument' })
    })

    it('a pull that fails rejects, before or inside its stream', async () => {
      const pull = async (fromImage: string): Promise<void> => {
        for await (const _progress of await engine.call(ImageCreate, { query: { fromImage, tag: 'latest' } }));
      }
      await expect(pull(`${image.split('/')[0]}/no/such`)).rejects.toMatchObject({ code: 'not_found' })
      await expect(pull('127.0.0.1:1/x')).rejects.toMatchObject({ code: 'unavailable' })
    })

    it('a build step that fails is an error inside a stream with status 200: the call resolves, the iteration throws', async () => {
      const tar = pack()
      tar.entry({ name: 'Dockerfile' }, `FROM ${image}\nRUN echo working && exit 9\n`)
      tar.finalize()
      const context = (async function* (): AsyncGenerator<Uint8Array> {
        // The reason for the cast: the types of tar-stream do not say what it gives.
        for await (const piece of tar) yield piece as Uint8Array
      })()
      const progress = await engine.call(ImageBuild, { query: { rm: true, forcerm: true }, body: context })
      const seen: unknown[] = []
      const reading = (async () => {
        for await (const message of progress) seen.push(message)
      })()
      await expect(reading).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('returned a non-zero code: 9') })
      expect(seen).toContainEqual({ stream: 'working\n' })
    })
  })

  it('events arrive as they happen', async () => {
    const events = await engine.call(SystemEvents, { query: { filters: { type: ['container'], event: ['create', 'start', 'die'] } } })
    const id = await create({ Cmd: ['true'] })
    await engine.call(ContainerStart, { path: { id } })
    const seen: (string | undefined)[] = []
    for await (const event of events) {
      if (event.Actor?.ID !== id) continue
      seen.push(event.Action)
      if (event.Action === 'die') break
    }
    expect(seen).toEqual(['create', 'start', 'die'])
  })

  describe('an abort in the middle', () => {
    const reason = new Error('enough')
    let id = ''
    beforeAll(async () => {
      id = await create({ Cmd: ['sh', '-c', 'while true; do echo tick; sleep 0.05; done'], StopSignal: 'SIGKILL' })
      await engine.call(ContainerStart, { path: { id } })
    })

    it.each(['events', 'logs', 'stats', 'export', 'attach', 'wait'])('of %s rejects with its reason', async kind => {
      const controller = new AbortController()
      const options = { signal: controller.signal }
      const path = { id }
      const stream = async (): Promise<AsyncIterable<unknown>> => {
        switch (kind) {
          case 'events':
            return engine.call(SystemEvents, { query: { since: '1' } }, options)
          case 'logs':
            return engine.call(ContainerLogs, { path, query: { follow: true, stdout: true } }, options)
          case 'stats':
            return engine.call(ContainerStats, { path }, options)
          case 'export':
            return engine.call(ContainerExport, { path }, options)
          default:
            return (await engine.call(ContainerAttach, { path, query: { stream: true, stdout: true } }, options)).output
        }
      }
      if (kind === 'wait') {
        const wait = engine.call(ContainerWait, { path }, { ...options, onResponse: () => controller.abort(reason) })
        await expect(wait).rejects.toBe(reason)
        return
      }
      const iterator = (await stream())[Symbol.asyncIterator]()
      expect((await iterator.next()).done).toBe(false)
      controller.abort(reason)
      await expect(iterator.next()).rejects.toBe(reason)
    })
  })

  it('fifty inspects at once are answered over kept connections', async () => {
    const id = await create({ Cmd: ['true'] })
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => engine.call(ContainerInspect, { path: { id } })))
      expect(answers.every(answer => answer.Id === id)).toBe(true)
    }
  })

  describe('the process', () => {
    let folder = ''
    beforeAll(async () => {
      // Below node_modules, so that the bundle finds what it imports.
      folder = await mkdtemp(resolve('node_modules', '.gantry-transport-'))
      await build({
        entry: { transport: 'src/transport/http/open-http.ts', api: 'src/api/index.ts' },
        outDir: folder,
        format: ['esm'],
        config: false,
        silent: true,
        dts: false
      })
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    /** Run a script that has an open `engine`; what it prints, once it has ended by itself. */
    const run = (script: string): Promise<string> =>
      new Promise((done, fail) => {
        const source = `
          import { openHttp } from ${JSON.stringify(join(folder, 'transport.js'))}
          import * as api from ${JSON.stringify(join(folder, 'api.js'))}
          const engine = await openHttp({ host: ${JSON.stringify(host)} })
          ${script}
          console.log('end of script')`
        const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
        let output = ''
        child.stdout.on('data', data => {
          output += data
        })
        child.on('error', fail)
        child.on('close', code => done(`${output}exit ${code}`))
      })

    it('ends by itself with idle connections, without a close', async () => {
      expect(await run('await Promise.all(Array.from({ length: 8 }, () => engine.call(api.SystemInfo, {})))')).toBe('end of script\nexit 0')
    })

    it('ends by itself under an event stream in the background', async () => {
      const script = `
        const events = await engine.call(api.SystemEvents, {}, { background: true })
        ;(async () => { for await (const event of events) console.log(event.Action) })()`
      expect(await run(script)).toBe('end of script\nexit 0')
    })

    it('stays for a stream that is being read', async () => {
      const script = `
        const until = String(Math.floor(Date.now() / 1000) + 1)
        for await (const event of await engine.call(api.SystemEvents, { query: { until } })) event
        console.log('events ended')`
      expect(await run(script)).toBe('events ended\nend of script\nexit 0')
    })
  })
})
