import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  ContainerCreate,
  ContainerExport,
  ContainerInspect,
  ContainerLogs,
  ContainerStart,
  ImageCreate,
  SystemDataUsage,
  SystemEvents,
  SystemInfo
} from '../../../../src/api/index.js'
import { openHttp } from '../../../../src/transport/http/open-http.js'
import { frame, localEngine, rawEngine, rawServer, textOf } from './local-engine.js'

const path = { id: 'x' }
const okHead = (type: string): string => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n`
const chunked = (data: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), Buffer.from(data), Buffer.from('\r\n')])

describe('no connection', () => {
  it('a socket that is not there is unavailable, naming it and asking whether the engine runs', async () => {
    const host = `unix://${join(tmpdir(), 'gantry-no-such.sock')}`
    await expect(openHttp({ host })).rejects.toMatchObject({
      code: 'unavailable',
      message: `there is no socket at ${host}: is the engine running?`,
      details: { endpoint: host, errno: 'ENOENT', operation: 'SystemPingHead' }
    })
  })

  it('a socket nobody listens on is unavailable', async () => {
    const file = join(tmpdir(), `gantry-file-${process.pid}`)
    await writeFile(file, '')
    await expect(openHttp({ host: `unix://${file}` })).rejects.toMatchObject({ code: 'unavailable', details: { errno: 'ECONNREFUSED' } })
    await rm(file)
  })

  it('a host that has no such port open is unavailable', async () => {
    await expect(openHttp({ host: 'tcp://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('tcp://127.0.0.1:1')
    })
  })

  it('opening can be aborted while nothing answers', async () => {
    await using server = await rawServer(() => {})
    const reason = new Error('enough')
    await expect(openHttp({ host: server.host, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ name: 'TimeoutError' })
    const controller = new AbortController()
    const opening = openHttp({ host: server.host, signal: controller.signal })
    setTimeout(() => controller.abort(reason), 20)
    await expect(opening).rejects.toBe(reason)
  })

  it('opening with an aborted signal rejects with its reason', async () => {
    const reason = new Error('enough')
    await expect(openHttp({ host: 'unix:///x', signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

describe('error responses', () => {
  it.each([
    [400, 'invalid_argument'],
    [404, 'not_found'],
    [409, 'conflict'],
    [501, 'not_implemented'],
    [503, 'unavailable']
  ])('status %d is %s with what the engine says and the facts of the call', async (status, code) => {
    await using engine = await localEngine({ answer: (_request, response) => response.writeHead(status).end('{"message":"because"}') })
    const transport = await engine.open()
    await expect(transport.call(ContainerInspect, { path, query: { size: true } })).rejects.toMatchObject({
      code,
      message: 'because',
      details: { status, operation: 'ContainerInspect', method: 'GET', path: '/v1.41/containers/x/json', endpoint: engine.host }
    })
  })

  it('a 500 with a page says what the page says', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => response.writeHead(500, { 'Content-Type': 'text/html' }).end('<html><h1>Oops</h1></html>')
    })
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toMatchObject({ message: 'Oops', details: { status: 500 } })
  })

  it('an empty 500 says which call it was', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.writeHead(500).end() })
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toThrow(/GET \/v1\.41\/info with status 500/)
  })

  it('an error whose text has no end is cut, and the connection given up', async () => {
    let closed = false
    await using engine = await localEngine({
      answer: (_request, response) => {
        response.writeHead(500)
        response.on('close', () => {
          closed = true
        })
        const more = (): void => {
          while (response.write('x'.repeat(16_384)));
          response.once('drain', more)
        }
        more()
      }
    })
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toMatchObject({ details: { status: 500 } })
    await expect.poll(() => closed).toBe(true)
  })

  it('a refused stream rejects the call, not the iteration', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.writeHead(404).end('{"message":"no such image"}') })
    await expect((await engine.open()).call(ImageCreate, { query: { fromImage: 'x' } })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('an engine that calls the version too old makes it not_supported', async () => {
    await using engine = await localEngine({
      answer: (_request, response) =>
        response.writeHead(400).end('{"message":"client version 1.41 is too old. Minimum supported API version is 1.44"}')
    })
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toMatchObject({ code: 'not_supported' })
  })
})

describe('answers that are broken', () => {
  it('an answer that does not begin is deadline_exceeded', async () => {
    await using engine = await localEngine({ answer: () => {} })
    await expect((await engine.open({ deadlineMs: 50 })).call(SystemInfo, {})).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('an answer that stops in the middle is deadline_exceeded', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => response.writeHead(200, { 'Content-Length': 9 }).write('{"a"')
    })
    await expect((await engine.open({ deadlineMs: 50 })).call(SystemInfo, {})).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('a call that waits for a process has no deadline', async () => {
    await using engine = await localEngine({ answer: (_request, response) => setTimeout(() => response.writeHead(204).end(), 2500) })
    await expect((await engine.open({ deadlineMs: 50 })).call(ContainerStart, { path })).resolves.toEqual({ modified: true })
  })

  it('an answer that is not JSON is data_loss, whatever its Content-Type says', async () => {
    await using engine = await localEngine({
      answer: (_request, response) =>
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('<html>Log in to the hotel</html>')
    })
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining('Log in to the hotel')
    })
  })

  it('JSON is taken for what it is under any Content-Type', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('{"ID":"a"}')
    })
    await expect((await engine.open()).call(SystemInfo, {})).resolves.toEqual({ ID: 'a' })
  })

  it('a connection closed before the answer is unavailable', async () => {
    await using engine = await rawEngine('1.41', socket => socket.destroy())
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(engine.host)
    })
  })

  it('an answer shorter than it announced rejects', async () => {
    await using engine = await rawEngine('1.41', socket => socket.end(`${okHead('application/json')}Content-Length: 100\r\n\r\n{"a":`))
    const code = await (await engine.open()).call(SystemInfo, {}).catch(error => error.code)
    expect(['unavailable', 'data_loss']).toContain(code)
  })

  it('garbage in place of a head is unavailable', async () => {
    await using engine = await rawEngine('1.41', socket => socket.end('220 mail.example ESMTP\r\n'))
    await expect((await engine.open()).call(SystemInfo, {})).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does not speak HTTP')
    })
  })
})

describe('streams that are broken', () => {
  it('a connection lost in the middle throws from the iteration, after what had come', async () => {
    await using engine = await rawEngine('1.41', socket => {
      socket.write(`${okHead('application/json')}Transfer-Encoding: chunked\r\n\r\n`)
      socket.write(chunked('{"Type":"container"}\n'))
      setTimeout(() => socket.destroy(), 20)
    })
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const event of await (await engine.open()).call(SystemEvents, {})) seen.push(event)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('in the middle of the answer') })
    expect(seen).toEqual([{ Type: 'container' }])
  })

  it('an error inside a stream with status 200 throws from the iteration', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => {
        response.write('{"status":"Pulling"}\n')
        response.end('{"errorDetail":{"message":"unexpected thing happened"},"error":"unexpected thing happened"}\n')
      }
    })
    const reading = async (): Promise<void> => {
      for await (const _progress of await (await engine.open()).call(ImageCreate, { query: { fromImage: 'x' } }));
    }
    await expect(reading()).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('unexpected thing happened') })
  })

  it('a stream that is no JSON throws data_loss', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.end('{"status":"Pulling"}\n<html>\n') })
    const reading = async (): Promise<void> => {
      for await (const _progress of await (await engine.open()).call(ImageCreate, { query: { fromImage: 'x' } }));
    }
    await expect(reading()).rejects.toMatchObject({ code: 'data_loss' })
  })

  it('an output that ends inside a frame throws data_loss', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.end(frame(1, 'cut off here').subarray(0, 12)) })
    const logs = await (await engine.open()).call(ContainerLogs, { path, query: { stdout: true } }, { tty: false })
    await expect(textOf(logs)).rejects.toMatchObject({ code: 'data_loss' })
  })

  it('an output that is said to be framed and is not throws data_loss', async () => {
    await using engine = await localEngine({
      apiVersion: '1.43',
      answer: (_request, response) =>
        response.writeHead(200, { 'Content-Type': 'application/vnd.docker.multiplexed-stream' }).end('just text, no frames at all')
    })
    const logs = await (await engine.open()).call(ContainerLogs, { path, query: { stdout: true } })
    await expect(textOf(logs)).rejects.toMatchObject({ code: 'data_loss' })
  })

  it('an archive cut short throws', async () => {
    await using engine = await rawEngine('1.41', socket => {
      socket.end(Buffer.concat([Buffer.from(`${okHead('application/x-tar')}Transfer-Encoding: chunked\r\n\r\n`), chunked('x'.repeat(512))]))
    })
    const archive = await (await engine.open()).call(ContainerExport, { path })
    expect(archive.headers['content-type']).toBe('application/x-tar')
    await expect(textOf(archive)).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('operations an engine does not have', () => {
  it('a newer one is not_supported, naming both versions, and nothing is sent', async () => {
    await using engine = await localEngine({ apiVersion: '1.24' })
    await expect((await engine.open()).call(SystemDataUsage, {})).rejects.toMatchObject({
      code: 'not_supported',
      message: expect.stringMatching(/SystemDataUsage needs API 1\.25.*speaks 1\.24/),
      details: { apiVersion: '1.24', since: '1.25' }
    })
    expect(engine.requests).toEqual([])
  })

  it('a parameter that is newer than the engine is refused rather than ignored', async () => {
    await using engine = await localEngine({ apiVersion: '1.40' })
    await expect((await engine.open()).call(ContainerCreate, { query: { platform: 'linux/arm64' }, body: {} })).rejects.toMatchObject({
      code: 'not_supported',
      message: expect.stringMatching(/query\.platform needs API 1\.41.*speaks 1\.40/)
    })
    expect(engine.requests).toEqual([])
  })
})
