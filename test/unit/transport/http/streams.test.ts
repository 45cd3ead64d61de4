import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  ContainerArchiveInfo,
  ContainerExport,
  ContainerInspect,
  ContainerLogs,
  ContainerStart,
  ContainerWait,
  ImageCreate,
  PutContainerArchive,
  SystemEvents,
  SystemInfo,
  SystemPing
} from '../../../../src/api/index.js'
import { frame, localEngine, rawEngine, textOf, until } from './local-engine.js'

const path = { id: 'x' }

describe('what calls resolve to', () => {
  it('no body: whether something was changed', async () => {
    const statuses = [204, 304]
    await using engine = await localEngine({ answer: (_request, response) => response.writeHead(statuses.shift() ?? 500).end() })
    const transport = await engine.open()
    expect(await transport.call(ContainerStart, { path })).toEqual({ modified: true })
    expect(await transport.call(ContainerStart, { path })).toEqual({ modified: false })
  })

  it('headers, in lower case', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => response.writeHead(200, { 'X-Docker-Container-Path-Stat': 'e30=' }).end()
    })
    expect(await (await engine.open()).call(ContainerArchiveInfo, { path, query: { path: '/' } })).toMatchObject({
      'x-docker-container-path-stat': 'e30='
    })
    expect(engine.requests).toEqual(['HEAD /v1.41/containers/x/archive?path=%2F'])
  })

  it('text', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.end('OK') })
    expect(await (await engine.open()).call(SystemPing, {})).toBe('OK')
  })

  it('an archive, with its headers', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.writeHead(200, { 'X-Some': 'thing' }).end('bytes') })
    const archive = await (await engine.open()).call(ContainerExport, { path })
    expect(archive.headers['x-some']).toBe('thing')
    expect(await textOf(archive)).toBe('bytes')
  })

  it('JSON values, however they are cut into pieces', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => {
        const bytes = Buffer.from('{"status":"é"}\r\n{"status":"b"}\n{"status":"c"}')
        for (const byte of bytes) response.write(Buffer.of(byte))
        response.end()
      }
    })
    const seen: unknown[] = []
    for await (const value of await (await engine.open()).call(ImageCreate, { query: { fromImage: 'x' } })) seen.push(value)
    expect(seen).toEqual([{ status: 'é' }, { status: 'b' }, { status: 'c' }])
  })
})

describe('the output of a container', () => {
  const inspected = (tty: boolean): string => JSON.stringify({ Config: { Tty: tty } })

  it('before API 1.42 the engine is asked first whether there is a terminal', async () => {
    await using engine = await localEngine({
      answer: (request, response) => {
        // An old engine calls everything a raw stream.
        response.setHeader('Content-Type', 'application/vnd.docker.raw-stream')
        response.end(
          request.url?.endsWith('/json')
            ? inspected(request.url.includes('tty'))
            : request.url?.includes('tty')
              ? 'raw'
              : frame(2, 'framed')
        )
      }
    })
    const transport = await engine.open()
    const framed = await transport.call(ContainerLogs, { path: { id: 'pipes' }, query: { stderr: true } })
    for await (const piece of framed) expect(piece).toMatchObject({ stream: 'stderr', data: Buffer.from('framed') })
    const raw = await transport.call(ContainerLogs, { path: { id: 'tty' }, query: { stdout: true } })
    for await (const piece of raw) expect(piece).toMatchObject({ stream: 'stdout', data: Buffer.from('raw') })
    expect(engine.requests.map(one => one.replace(/\?.*/, ''))).toEqual([
      'GET /v1.41/containers/pipes/json',
      'GET /v1.41/containers/pipes/logs',
      'GET /v1.41/containers/tty/json',
      'GET /v1.41/containers/tty/logs'
    ])
  })

  it('a caller who knows saves the question', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.end('raw') })
    expect(await textOf(await (await engine.open()).call(ContainerLogs, { path, query: { stdout: true } }, { tty: true }))).toBe('raw')
    expect(engine.requests).toHaveLength(1)
  })

  it('from API 1.42 on the response says it, and is right against the caller', async () => {
    await using engine = await localEngine({
      apiVersion: '1.42',
      answer: (_request, response) => response.writeHead(200, { 'Content-Type': 'application/vnd.docker.raw-stream' }).end('raw')
    })
    expect(await textOf(await (await engine.open()).call(ContainerLogs, { path, query: { stdout: true } }, { tty: false }))).toBe('raw')
    expect(engine.requests).toHaveLength(1)
  })

  it('a container that is not there rejects before anything is read', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => response.writeHead(404).end('{"message":"No such container: x"}')
    })
    await expect((await engine.open()).call(ContainerLogs, { path, query: { stdout: true } })).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('backpressure', () => {
  it('an engine is not read from faster than the caller reads', async () => {
    let written = 0
    await using engine = await localEngine({
      answer: (_request, response) => {
        const piece = Buffer.alloc(65_536)
        const more = (): void => {
          do written += piece.length
          while (written < 64 * 2 ** 20 && response.write(piece))
          if (written >= 64 * 2 ** 20) response.end()
          else response.once('drain', more)
        }
        more()
      }
    })
    const archive = await (await engine.open()).call(ContainerExport, { path })
    const iterator = archive[Symbol.asyncIterator]()
    await iterator.next()
    let before = -1
    while (before !== written) {
      before = written
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(written).toBeLessThan(8 * 2 ** 20)
    let length = 0
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) length += next.value.length
    expect(length).toBeGreaterThan(60 * 2 ** 20)
  })

  it('an archive is not taken from the caller faster than the engine reads', async () => {
    await using engine = await rawEngine('1.41', socket => socket.pause())
    const controller = new AbortController()
    let given = 0
    const archive = (async function* () {
      for (;;) {
        given += 65_536
        yield new Uint8Array(65_536)
      }
    })()
    const call = (await engine.open()).call(
      PutContainerArchive,
      { path, query: { path: '/' }, body: archive },
      { signal: controller.signal }
    )
    let before = -1
    while (before !== given) {
      before = given
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(given).toBeLessThan(8 * 2 ** 20)
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect(archive.next()).resolves.toEqual({ done: true, value: undefined })
  })
})

describe('leaving a stream', () => {
  it('closes its connection, also before the first value', async () => {
    let open = 0
    await using engine = await localEngine({
      answer: (_request, response) => {
        open += 1
        response.on('close', () => {
          open -= 1
        })
        response.write('{"Type":"container"}\n')
      }
    })
    const transport = await engine.open()
    for await (const _event of await transport.call(SystemEvents, {})) break
    await until(() => open === 0)
    const unread = await transport.call(SystemEvents, {})
    expect(open).toBe(1)
    await unread[Symbol.asyncIterator]().return?.()
    await until(() => open === 0)
  })

  it('an error thrown in the loop is what comes out of it', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.write('{"Type":"container"}\n') })
    const transport = await engine.open()
    const reading = async (): Promise<void> => {
      for await (const _event of await transport.call(SystemEvents, {})) throw new Error('mine')
    }
    await expect(reading()).rejects.toThrow('mine')
  })
})

describe('abort', () => {
  const reason = { why: 'any value will do' }

  it.each([
    ['an ordinary call', 'json'],
    ['a call that waits for the answer of a container', 'wait']
  ])('%s that has no answer yet rejects with the reason and gives up the connection', async (_what, kind) => {
    let closed = false
    await using engine = await localEngine({
      answer: (_request, response) => {
        response.on('close', () => {
          closed = true
        })
      }
    })
    const transport = await engine.open()
    const controller = new AbortController()
    const options = { signal: controller.signal }
    const call = kind === 'json' ? transport.call(SystemInfo, {}, options) : transport.call(ContainerWait, { path }, options)
    await until(() => engine.requests.length === 1)
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    await until(() => closed)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it.each(['json-lines', 'tar', 'frames'])('a %s stream throws the reason, whether it waits or has more to give', async kind => {
    let closed = 0
    await using engine = await localEngine({
      answer: (_request, response) => {
        response.on('close', () => {
          closed += 1
        })
        response.write(kind === 'frames' ? Buffer.concat([frame(1, 'a'), frame(1, 'b')]) : '{"a":1}\n{"a":2}\n')
      }
    })
    const transport = await engine.open()
    for (const more of [true, false]) {
      const controller = new AbortController()
      const options = { signal: controller.signal, tty: false }
      const stream: AsyncIterable<unknown> =
        kind === 'json-lines'
          ? await transport.call(SystemEvents, {}, options)
          : kind === 'tar'
            ? await transport.call(ContainerExport, { path }, options)
            : await transport.call(ContainerLogs, { path, query: { stdout: true } }, options)
      const iterator = stream[Symbol.asyncIterator]()
      await iterator.next()
      if (!more && kind !== 'tar') await iterator.next()
      const next = more ? undefined : iterator.next()
      controller.abort(reason)
      await expect(next ?? iterator.next()).rejects.toBe(reason)
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    }
    await until(() => closed === 2)
  })

  it('what has arrived but was not read is not handed out after an abort, though the answer is complete', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.end('{"a":1}\n{"a":2}\n') })
    const controller = new AbortController()
    const iterator = (await (await engine.open()).call(SystemEvents, {}, { signal: controller.signal }))[Symbol.asyncIterator]()
    await iterator.next()
    await new Promise(resolve => setTimeout(resolve, 20))
    controller.abort(reason)
    await expect(iterator.next()).rejects.toBe(reason)
  })

  it('a call with an aborted signal sends nothing', async () => {
    await using engine = await localEngine({})
    await expect((await engine.open()).call(SystemInfo, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(engine.requests).toEqual([])
  })
})

describe('archives on their way in', () => {
  const twoPieces = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one,')
    yield Buffer.from('two')
  }

  it('arrive whole', async () => {
    let received = ''
    await using engine = await localEngine({
      answer: (request, response) => {
        request.on('data', data => {
          received += data
        })
        request.on('end', () => response.end())
      }
    })
    await (await engine.open()).call(PutContainerArchive, { path, query: { path: '/' }, body: twoPieces() })
    expect(received).toBe('one,two')
  })

  it('a source that fails rejects the call with what failed', async () => {
    await using engine = await localEngine({ answer: () => {} })
    const archive = (async function* () {
      yield* twoPieces()
      throw new Error('disk on fire')
    })()
    await expect((await engine.open()).call(PutContainerArchive, { path, query: { path: '/' }, body: archive })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('disk on fire')
    })
  })

  it('an engine that refuses before it has read all of it is heard, and the source is left', async () => {
    let left = false
    const archive = (async function* () {
      try {
        for (;;) yield new Uint8Array(65_536)
      } finally {
        left = true
      }
    })()
    await using engine = await localEngine({
      answer: (_request, response) => response.writeHead(404).end('{"message":"No such container"}')
    })
    await expect((await engine.open()).call(PutContainerArchive, { path, query: { path: '/' }, body: archive })).rejects.toMatchObject({
      code: 'not_found'
    })
    await until(() => left)
  })
})

describe('many calls', () => {
  it('fifty at once under one signal are answered without a warning, over connections that are used again', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const connections = new Set<unknown>()
    await using engine = await localEngine({
      answer: (request, response) => {
        connections.add(request.socket)
        response.end(`{"Id":"${request.url?.split('/')[3]}"}`)
      }
    })
    const transport = await engine.open()
    const { signal } = new AbortController()
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => transport.call(ContainerInspect, { path: { id: String(n) } }, { signal }))
      )
      expect(answers.map(answer => answer.Id)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
    }
    expect(connections.size).toBeLessThanOrEqual(32)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  it('calls that wait do not stand in the way of others', async () => {
    await using engine = await localEngine({
      answer: (request, response) => {
        if (request.url?.endsWith('/wait')) response.writeHead(200).flushHeaders()
        else response.end('{}')
      }
    })
    const transport = await engine.open()
    const controller = new AbortController()
    let registered = 0
    const waits = Array.from({ length: 100 }, () =>
      transport.call(ContainerWait, { path }, { signal: controller.signal, onResponse: () => void registered++ })
    )
    await until(() => registered === 100)
    await expect(transport.call(SystemInfo, {})).resolves.toEqual({})
    controller.abort(new Error('done'))
    expect((await Promise.allSettled(waits)).every(wait => wait.status === 'rejected')).toBe(true)
  })
})

describe('close', () => {
  it('lets ordinary calls end, breaks streams off, and refuses later calls', async () => {
    await using engine = await localEngine({
      answer: (request, response) => {
        if (request.url?.endsWith('/info')) setTimeout(() => response.end('{"ID":"a"}'), 50)
        else response.write('{"Type":"container"}\n')
      }
    })
    const transport = await engine.open()
    const events = (await transport.call(SystemEvents, {}))[Symbol.asyncIterator]()
    await events.next()
    const [pending, next] = [transport.call(SystemInfo, {}), events.next()]
    const closing = transport.close()
    expect(transport.close()).toBe(closing)
    await expect(next).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('close()') })
    await expect(pending).resolves.toEqual({ ID: 'a' })
    await closing
    await expect(transport.call(SystemInfo, {})).rejects.toMatchObject({ code: 'unavailable' })
  })
})
