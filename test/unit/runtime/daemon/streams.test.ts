import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Frame, Handlers } from '../../../../src/api/index.js'
import { EngineError } from '../../../../src/errors/index.js'
import { AsyncQueue } from '../../../../src/util/async-queue.js'
import { deferred } from '../../../../src/util/deferred.js'
import { echo, readAll, type Served, serve } from './served.js'

// Needs: nothing. Handlers are made up.

let served: Served | undefined
afterEach(async () => {
  await served?.stop()
  served = undefined
})
const start = async (handlers: Handlers): Promise<Served> => {
  served = await serve(handlers)
  return served
}

const event = (Action: string) =>
  ({ Type: 'container', Action, Actor: { ID: 'id', Attributes: { image: 'img' } }, scope: 'local', time: 1, timeNano: 1 }) as const

describe('streams', () => {
  it('JSON values go out as they come, headers first; an error is the last line', async () => {
    const queue = new AsyncQueue<ReturnType<typeof event>>()
    const server = await start({ SystemEvents: async () => queue })
    const headers = deferred<void>()
    const answer = server.call('GET', '/events', { onHeaders: () => headers.resolve() })
    await headers.promise
    queue.push(event('start'))
    queue.fail(new EngineError('data_loss', 'the log is gone'))
    const { body, headers: got } = await answer
    expect(got).toMatchObject({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    const [first, last] = body
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(first).toMatchObject({ status: 'start', id: 'id', from: 'img', Action: 'start' })
    expect(last).toMatchObject({ error: 'the log is gone', errorDetail: { message: 'the log is gone' } })
  })

  it('output is framed unless there is a terminal, and says so since 1.42', async () => {
    const frames: Frame[] = [{ stream: 'stderr', data: Buffer.from('oops') }]
    let tty = false
    const server = await start({
      ContainerInspect: async () => ({ Config: { Tty: tty } }) as never,
      ContainerLogs: async () =>
        (async function* () {
          yield* frames
        })()
    })
    const framed = await server.call('GET', '/v1.42/containers/a/logs?stderr=1')
    expect([framed.headers['content-type'], framed.body]).toEqual(['application/vnd.docker.multiplexed-stream', '\x02\0\0\0\0\0\0\x04oops'])
    const old = await server.call('GET', '/v1.41/containers/a/logs?stderr=1')
    expect(old.headers['content-type']).toBe('application/vnd.docker.raw-stream')
    tty = true
    const raw = await server.call('GET', '/v1.42/containers/a/logs?stderr=1')
    expect([raw.headers['content-type'], raw.body]).toEqual(['application/vnd.docker.raw-stream', 'oops'])
  })

  it('an archive has its headers', async () => {
    const server = await start({
      ContainerArchive: async () =>
        Object.assign(
          (async function* () {
            yield Buffer.from('tar')
          })(),
          { headers: { 'x-docker-container-path-stat': 'e30=' } }
        )
    })
    const { headers, body } = await server.call('GET', '/containers/a/archive?path=/x')
    expect(headers).toMatchObject({ 'content-type': 'application/x-tar', 'x-docker-container-path-stat': 'e30=' })
    expect(body).toBe('tar')
  })

  it('an archive comes in whole', async () => {
    let received = ''
    const server = await start({
      async PutContainerArchive({ body }) {
        const hash = createHash('sha256')
        for await (const chunk of body) hash.update(chunk)
        received = hash.digest('hex')
        return { modified: true }
      }
    })
    const data = Buffer.alloc(3_000_000, 'abc')
    const { status } = await server.call('PUT', '/containers/a/archive?path=/x', {
      body: data,
      headers: { 'content-type': 'application/x-tar' }
    })
    expect([status, received]).toEqual([200, createHash('sha256').update(data).digest('hex')])
  })

  it('a reader that is slow holds the source up', async () => {
    let made = 0
    const server = await start({
      ContainerExport: async () =>
        Object.assign(
          (async function* () {
            for (; made < 1000; made++) yield Buffer.alloc(64 * 1024)
          })(),
          { headers: {} }
        )
    })
    const socket = await server.raw('GET /containers/a/export HTTP/1.1\r\nHost: d\r\n\r\n')
    socket.pause()
    await sleep(300)
    expect(made).toBeLessThan(100)
    socket.destroy()
  })

  it('the headers of a wait come when it is registered, and an error at once has its status', async () => {
    const exit = deferred<{ readonly StatusCode: number }>()
    const server = await start({
      async ContainerWait({ path }) {
        if (path.id === 'nope') throw new EngineError('not_found', 'No such container: nope')
        return exit.promise
      }
    })
    expect((await server.call('POST', '/containers/nope/wait')).status).toBe(404)
    const headers = deferred<void>()
    const answer = server.call('POST', '/containers/a/wait', { onHeaders: () => headers.resolve() })
    await headers.promise
    exit.resolve({ StatusCode: 3 })
    expect(JSON.parse((await answer).body)).toEqual({ StatusCode: 3 })
  })
})

describe('a client that goes away', () => {
  it.each([
    ['GET', '/events', 'SystemEvents'],
    ['GET', '/containers/a/logs?stdout=1&follow=1', 'ContainerLogs'],
    ['GET', '/containers/a/stats', 'ContainerStats']
  ])('%s %s: the signal is aborted and the stream is left', async (method, path, id) => {
    const left = deferred<void>()
    const aborted = deferred<void>()
    const server = await start({
      ContainerInspect: async () => ({ Config: { Tty: false } }) as never,
      [id]: async (_input: unknown, { signal }: { readonly signal: AbortSignal }) => {
        signal.addEventListener('abort', () => aborted.resolve())
        return new AsyncQueue({ onLeave: () => left.resolve() })
      }
    })
    const socket = await server.raw(`${method} ${path} HTTP/1.1\r\nHost: d\r\n\r\n`)
    socket.once('data', () => socket.destroy())
    await Promise.all([left.promise, aborted.promise])
  })

  it('while it waits for an answer: the signal is aborted', async () => {
    const aborted = deferred<void>()
    const server = await start({
      ContainerWait: (_input, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve()
            reject(signal.reason)
          })
        })
    })
    const socket = await server.raw('POST /containers/a/wait HTTP/1.1\r\nHost: d\r\n\r\n')
    socket.once('data', () => socket.destroy())
    await aborted.promise
  })

  it('while it is connected to a process: the connection is closed', async () => {
    const { process, seen } = echo()
    const server = await start({ ContainerAttach: async () => process })
    const socket = await server.raw('POST /containers/a/attach?stream=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    socket.once('data', () => socket.destroy())
    await expect.poll(() => seen.closed).toBeGreaterThan(0)
  })
})

describe('hijacked connections', () => {
  const ending = async (head: string, handlers: Handlers, input = 'hello') => {
    const server = await start(handlers)
    const socket = await server.raw(head)
    socket.write(input)
    socket.end()
    return readAll(socket)
  }

  it('upgrade to tcp: both ways, and the end of stdin leaves the output open', async () => {
    const { process, seen } = echo()
    const text = await ending(
      'POST /v1.42/containers/a/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
      {
        ContainerAttach: async () => process
      }
    )
    const [head, body] = text.split('\r\n\r\n')
    expect(head).toBe(
      'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp'
    )
    expect(body).toBe('\x01\0\0\0\0\0\0\x05hello\x01\0\0\0\0\0\0\x03bye')
    expect(seen).toMatchObject({ received: 'hello', closedWrite: 1 })
  })

  it('without an upgrade the bytes are the body of a 200', async () => {
    const { process } = echo(true)
    const server = await start({ ContainerAttach: async () => process })
    const socket = await server.raw('POST /containers/a/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n')
    socket.once('data', () => {
      socket.write('hello')
      socket.end()
    })
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await new Promise(resolve => socket.once('end', resolve))
    expect(Buffer.concat(chunks).toString()).toBe('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nhellobye')
  })

  it('the body of an upgrade and what follows it are told apart, in one piece or byte by byte', async () => {
    let body: unknown
    const server = await start({
      async ExecStart(input) {
        body = input.body
        return echo(true).process
      }
    })
    const head =
      'POST /exec/x/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n'
    const whole = await server.raw(`${head}{"Tty":true}hello`)
    whole.end()
    expect(await readAll(whole)).toMatch(/hellobye$/)
    expect(body).toEqual({ Tty: true })
    const pieces = await server.raw(head)
    for (const byte of '{"Tty":true}hello') {
      await sleep(1)
      pieces.write(byte)
    }
    pieces.end()
    expect(await readAll(pieces)).toMatch(/hellobye$/)
  })

  it('an error before the upgrade has its status', async () => {
    const text = await ending('POST /containers/nope/attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n', {
      ContainerAttach: async () => {
        throw new EngineError('not_found', 'No such container: nope')
      }
    })
    expect(text).toMatch(/^HTTP\/1.1 404 Not Found[\s\S]*\{"message":"No such container: nope"\}/)
  })

  it('a detached process is started and nothing is connected', async () => {
    const { process, seen } = echo()
    const server = await start({ ExecStart: async () => process })
    expect((await server.call('POST', '/exec/x/start', { body: '{"Detach":true}' })).status).toBe(200)
    expect(seen.closed).toBe(1)
  })

  it('a megabyte comes back unchanged', async () => {
    const { process } = echo(true)
    const server = await start({ ContainerAttach: async () => process })
    const socket = await server.raw('POST /containers/a/attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    socket.write(Buffer.alloc(1_000_000, 'abcdefg'))
    socket.end()
    const text = await readAll(socket)
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(`${Buffer.alloc(1_000_000, 'abcdefg').toString()}bye`)
  })

  it('a WebSocket is attached both ways', async () => {
    const { process, seen } = echo()
    const server = await start({ ContainerAttach: async () => process })
    const socket = new WebSocket(`ws+unix://${server.path}:/v1.41/containers/a/attach/ws?stream=1`)
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    const message = new Promise(resolve => socket.once('message', data => resolve(String(data))))
    socket.send('hello')
    expect(await message).toBe('hello')
    socket.close()
    await expect.poll(() => seen.closed).toBeGreaterThan(0)
  })
})

describe('the end of a daemon', () => {
  it('lets a request finish, ends streams, and takes no more', async () => {
    const finish = deferred<void>()
    const server = await start({
      async ContainerRestart() {
        await finish.promise
        return { modified: true }
      },
      SystemEvents: async (_input, { signal }) => {
        const queue = new AsyncQueue<ReturnType<typeof event>>()
        signal.addEventListener('abort', () => queue.fail(signal.reason))
        return queue
      }
    })
    const events = server.call('GET', '/events').catch(() => 'cut')
    const restart = server.call('POST', '/containers/a/restart')
    await sleep(100)
    const closing = server.listener.close({ graceMs: 5000 })
    await sleep(100)
    await expect(server.call('GET', '/_ping')).rejects.toThrow()
    finish.resolve()
    expect((await restart).status).toBe(204)
    await Promise.all([closing, events])
  })

  it('does not wait longer than its grace', async () => {
    const server = await start({
      ContainerRestart: (_input, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const restart = server.call('POST', '/containers/a/restart').then(
      answer => answer.status,
      () => 'cut'
    )
    await sleep(50)
    await server.listener.close({ graceMs: 100 })
    expect([503, 'cut']).toContain(await restart)
  })
})
