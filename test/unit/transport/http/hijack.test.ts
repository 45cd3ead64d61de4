import type { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ContainerAttach, ExecStart, Session } from '../../../../src/api/index.js'
import type { Hijacked } from '../../../../src/api/operation.js'
import { frame, localEngine, rawEngine, textOf, until } from './local-engine.js'

const path = { id: 'x' }
const query = { stream: true, stdin: true, stdout: true, stderr: true }

const upgraded = (type = 'application/vnd.docker.raw-stream'): string =>
  `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`

/** What `cat` does: everything comes back, and the end of stdin ends it. */
const cat =
  (encode: (text: string) => Buffer | string, head = upgraded()) =>
  (_request: unknown, socket: Duplex): void => {
    socket.write(head)
    socket.on('data', data => socket.write(encode(data.toString())))
    socket.on('end', () => socket.end(encode('bye')))
  }

describe('a hijacked connection', () => {
  it('carries both directions, and output goes on after stdin was closed', async () => {
    await using engine = await localEngine({ upgrade: cat(text => frame(1, text)) })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false })
    expect(process.tty).toBe(false)
    const output = process.output[Symbol.asyncIterator]()
    await process.write(Buffer.from('hello'))
    expect(await output.next()).toMatchObject({ value: { stream: 'stdout', data: Buffer.from('hello') } })
    await process.closeWrite()
    await process.closeWrite()
    expect(await output.next()).toMatchObject({ value: { data: Buffer.from('bye') } })
    expect(await output.next()).toMatchObject({ done: true })
    expect(engine.requests).toEqual(['POST /v1.41/containers/x/attach?stream=1&stdin=1&stdout=1&stderr=1'])
  })

  it('of a terminal is raw', async () => {
    await using engine = await localEngine({ upgrade: cat(text => text) })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: true })
    expect(process.tty).toBe(true)
    await process.write(Buffer.from('\x01\x00\x00\x00'))
    await process.closeWrite()
    expect(await textOf(process.output)).toBe('\x01\x00\x00\x00bye')
  })

  it.each([
    ['application/vnd.docker.multiplexed-stream', false],
    ['application/vnd.docker.raw-stream', true]
  ])('from API 1.42 on knows from %s whether there is a terminal', async (type, tty) => {
    await using engine = await localEngine({ apiVersion: '1.42', upgrade: cat(text => (tty ? text : frame(2, text)), upgraded(type)) })
    const process = await (await engine.open()).call(ContainerAttach, { path, query })
    expect(process.tty).toBe(tty)
    await process.closeWrite()
    expect(await textOf(process.output)).toBe('bye')
  })

  it('loses nothing that arrives together with the head of the response', async () => {
    await using engine = await rawEngine('1.41', socket => {
      socket.end(Buffer.concat([Buffer.from(upgraded()), frame(1, 'early'), frame(2, 'bird').subarray(0, 3)]))
    })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false })
    // Also when nobody reads at once.
    await new Promise(resolve => setTimeout(resolve, 20))
    const output = process.output[Symbol.asyncIterator]()
    expect(await output.next()).toMatchObject({ value: { data: Buffer.from('early') } })
    await expect(output.next()).rejects.toMatchObject({ code: 'data_loss' })
  })

  it('works where the engine answers 200 and goes on with bare bytes', async () => {
    await using engine = await rawEngine('1.41', socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n')
      socket.write(frame(2, 'first'))
      socket.on('data', data => socket.write(frame(1, data.toString())))
      socket.on('end', () => socket.end(frame(1, 'bye')))
    })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false })
    await process.write(Buffer.from('hello'))
    const output = process.output[Symbol.asyncIterator]()
    expect(await output.next()).toMatchObject({ value: { stream: 'stderr', data: Buffer.from('first') } })
    expect(await output.next()).toMatchObject({ value: { stream: 'stdout', data: Buffer.from('hello') } })
    await process.closeWrite()
    expect(await output.next()).toMatchObject({ value: { data: Buffer.from('bye') } })
    expect(await output.next()).toMatchObject({ done: true })
  })

  it('that is refused keeps status and message', async () => {
    await using engine = await rawEngine('1.41', socket => {
      const body = '{"message":"container x is not running"}'
      socket.end(`HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    })
    await expect((await engine.open()).call(ContainerAttach, { path, query }, { tty: false })).rejects.toMatchObject({
      code: 'conflict',
      message: 'container x is not running',
      details: { status: 409, operation: 'ContainerAttach' }
    })
  })

  it('of a session is bare bytes in both directions', async () => {
    let protocol: string | undefined
    await using engine = await localEngine({
      upgrade: (request, socket) => {
        protocol = request.headers.upgrade
        cat(text => text)(request, socket)
      }
    })
    const session = await (await engine.open()).call(Session, {})
    await session.write(Buffer.from('PRI * HTTP/2.0'))
    await session.closeWrite()
    expect(await textOf(session.output)).toBe('PRI * HTTP/2.0bye')
    expect([protocol, session.tty]).toEqual(['h2c', false])
  })
})

describe('exec', () => {
  const withBody =
    (seen: string[]) =>
    (request: import('node:http').IncomingMessage, socket: Duplex, head: Buffer): void => {
      const length = Number(request.headers['content-length'])
      const chunks = [head]
      const answer = (): void => {
        const body = Buffer.concat(chunks)
        if (body.length < length) return
        seen.push(body.subarray(0, length).toString())
        socket.end(Buffer.concat([Buffer.from(upgraded()), Buffer.from('raw')]))
      }
      socket.on('data', data => {
        chunks.push(data)
        answer()
      })
      // From Node 26 the body arrives as the request's.
      request.on('data', data => {
        chunks.push(data)
        answer()
      })
      answer()
    }

  it('with Tty in its body is not asked about', async () => {
    const seen: string[] = []
    await using engine = await localEngine({ upgrade: withBody(seen) })
    const process = await (await engine.open()).call(ExecStart, { path, body: { Tty: true } })
    expect(process.tty).toBe(true)
    expect(await textOf(process.output)).toBe('raw')
    expect(seen).toEqual(['{"Tty":true}'])
    expect(engine.requests).toHaveLength(1)
  })

  it('without Tty in its body starts as it was created', async () => {
    const seen: string[] = []
    await using engine = await localEngine({
      answer: (_request, response) => response.end('{"ProcessConfig":{"tty":true}}'),
      upgrade: withBody(seen)
    })
    const process = await (await engine.open()).call(ExecStart, { path, body: {} })
    expect([process.tty, await textOf(process.output)]).toEqual([true, 'raw'])
    expect(seen).toEqual(['{"Tty":true}'])
    expect(engine.requests).toEqual(['GET /v1.41/exec/x/json', 'POST /v1.41/exec/x/start'])
  })

  it('that is detached has no output', async () => {
    await using engine = await rawEngine('1.41', socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    const process = await (await engine.open()).call(ExecStart, { path, body: { Detach: true } })
    expect(await textOf(process.output)).toBe('')
    await expect(process.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'failed' })
    await process.closeWrite()
    await process.close()
  })
})

describe('the end of a hijacked connection', () => {
  const talking = async (): Promise<{
    engine: Awaited<ReturnType<typeof localEngine>>
    closed: () => boolean
    process: Hijacked
    controller: AbortController
  }> => {
    let closed = false
    const engine = await localEngine({
      upgrade: (_request, socket) => {
        // A server's half of an upgraded connection stays open until it is ended.
        socket.on('end', () => {
          closed = true
          socket.end()
        })
        socket.write(Buffer.concat([Buffer.from(upgraded()), frame(1, 'one'), frame(1, 'two')]))
        socket.resume()
      }
    })
    const controller = new AbortController()
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false, signal: controller.signal })
    return { engine, closed: () => closed, process, controller }
  }

  it('by leaving the loop gives the connection back', async () => {
    const { engine, closed, process } = await talking()
    await using _ = engine
    for await (const _frame of process.output) break
    await until(closed)
    await expect(process.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'failed' })
  })

  it('by close ends the output without an error, also one that is waited for', async () => {
    const { engine, closed, process } = await talking()
    await using _ = engine
    const reading = textOf(process.output)
    await new Promise(resolve => setTimeout(resolve, 20))
    await process.close()
    await process.close()
    expect(await reading).toBe('onetwo')
    await until(closed)
  })

  it('by close before anything was read ends it too', async () => {
    const { engine, closed, process } = await talking()
    await using _ = engine
    await process.close()
    await until(closed)
    expect(await textOf(process.output)).toBe('')
  })

  it('by an abort throws the reason from output and from write', async () => {
    const { engine, closed, process, controller } = await talking()
    await using _ = engine
    const output = process.output[Symbol.asyncIterator]()
    await output.next()
    await output.next()
    const next = output.next()
    controller.abort('enough')
    await expect(next).rejects.toBe('enough')
    await expect(process.write(Buffer.from('x'))).rejects.toBe('enough')
    await until(closed)
  })

  it('by the transport closing is unavailable', async () => {
    await using engine = await localEngine({ upgrade: (_request, socket) => socket.write(upgraded()) })
    const transport = await engine.open()
    const process = await transport.call(ContainerAttach, { path, query }, { tty: false })
    const reading = textOf(process.output)
    await transport.close()
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('by a lost connection rejects a pending write', async () => {
    await using engine = await localEngine({
      upgrade: (_request, socket) => {
        socket.write(upgraded())
        socket.pause()
        setTimeout(() => socket.destroy(), 50)
      }
    })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false })
    const writing = (async () => {
      for (;;) await process.write(new Uint8Array(65_536))
    })()
    await expect(writing).rejects.toMatchObject({ code: 'failed' })
  })

  it('writes after stdin was closed reject', async () => {
    await using engine = await localEngine({ upgrade: (_request, socket) => socket.write(upgraded()) })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false })
    await process.closeWrite()
    await expect(process.write(Buffer.from('x'))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('its input was closed')
    })
    await process.close()
  })
})

describe('backpressure of a hijacked connection', () => {
  it('a process that does not read holds the writer', async () => {
    await using engine = await localEngine({
      upgrade: (_request, socket) => {
        socket.write(upgraded())
        socket.pause()
      }
    })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: false })
    let written = 0
    const writing = (async () => {
      for (;;) {
        await process.write(new Uint8Array(65_536))
        written += 65_536
      }
    })()
    writing.catch(() => {})
    let before = -1
    while (before !== written) {
      before = written
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(written).toBeLessThan(8 * 2 ** 20)
    await process.close()
    await expect(writing).rejects.toMatchObject({ code: 'failed' })
  })

  it('a reader that does not read holds the process', async () => {
    let written = 0
    await using engine = await localEngine({
      upgrade: (_request, socket) => {
        socket.write(upgraded())
        const more = (): void => {
          let goesOn = true
          while (goesOn) {
            goesOn = socket.write(new Uint8Array(65_536))
            written += 65_536
          }
          socket.once('drain', more)
        }
        more()
      }
    })
    const process = await (await engine.open()).call(ContainerAttach, { path, query }, { tty: true })
    await process.output[Symbol.asyncIterator]().next()
    let before = -1
    while (before !== written) {
      before = written
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(written).toBeLessThan(8 * 2 ** 20)
    await process.close()
  })
})
