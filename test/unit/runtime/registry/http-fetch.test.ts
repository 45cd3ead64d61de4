import { createHash, randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { Agent, interceptors, MockAgent, ProxyAgent } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import type { Answer } from '../../../../runtime/registry/exchange.js'
import { FetchPool } from '../../../../runtime/registry/fetch-pool.js'
import { httpFetch } from '../../../../runtime/registry/http-fetch.js'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const own = createServer(listener)
  server = own
  await new Promise<void>(resolve => own.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(own.address() as AddressInfo).port}/` // listening on a port
}

const ask = (url: string, signal = new AbortController().signal): Promise<Answer> =>
  httpFetch()(url, { method: 'GET', headers: { range: 'bytes=0-' }, redirect: 'manual', signal })

async function textOf(answer: Answer): Promise<string> {
  const reader = answer.body?.getReader()
  const chunks: Uint8Array[] = []
  for (;;) {
    const next = await reader?.read()
    if (next === undefined || next.done) return Buffer.concat(chunks).toString()
    chunks.push(Uint8Array.from(next.value))
  }
}

describe('httpFetch', () => {
  it('gives status, headers and body, and asks for nothing compressed', async () => {
    const url = await serve((request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.writeHead(206, { 'content-range': 'bytes 0-1/2' }).end(JSON.stringify(request.headers))
    })
    const answer = await ask(url)
    expect(answer.status).toBe(206)
    expect([answer.headers.get('content-range'), answer.headers.get('set-cookie'), answer.headers.get('absent')]).toEqual([
      'bytes 0-1/2',
      'a=1, b=2',
      null
    ])
    expect(JSON.parse(await textOf(answer))).toMatchObject({ range: 'bytes=0-', 'accept-encoding': 'identity', 'user-agent': 'gantry' })
  })

  it('sends a body with its length', async () => {
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', piece => {
        body += piece
      })
      request.on('end', () => response.end(`${request.method} ${request.headers['content-length']} ${body}`))
    })
    const signal = new AbortController().signal
    const answer = await httpFetch()(url, { method: 'POST', headers: {}, redirect: 'manual', signal, body: 'grant=ü' })
    expect(await textOf(answer)).toBe('POST 8 grant=ü')
  })

  it.each([
    ['gzip', gzipSync('content')],
    ['br', brotliCompressSync('content')]
  ])('reads what a server compresses all the same: %s', async (encoding, bytes) => {
    const url = await serve((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes))
    expect(await textOf(await ask(url))).toBe('content')
  })

  it('refuses a body that is compressed and damaged', async () => {
    const url = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip'))
    await expect(textOf(await ask(url))).rejects.toThrow('incorrect header check')
  })

  it.each([['content-length'], ['transfer-encoding']])('tells a body that is cut short, with %s', async header => {
    const url = await serve((_, response) => {
      response.writeHead(200, header === 'content-length' ? { [header]: '1000' } : { [header]: 'chunked' })
      response.write('only this', () => setTimeout(() => response.destroy(), 20))
    })
    await expect(textOf(await ask(url))).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' })
  })

  it('rejects without an answer: with the code of the connection, and on abort', async () => {
    await expect(ask('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const controller = new AbortController()
    const url = await serve(() => setTimeout(() => controller.abort(), 10))
    await expect(ask(url, controller.signal)).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('holds the server up while nobody reads', async () => {
    let sent = 0
    const url = await serve((_, response) => {
      const write = (): void => {
        while (response.write(Buffer.alloc(65_536))) sent += 65_536
        response.once('drain', write)
      }
      write()
    })
    const answer = await ask(url)
    const reader = answer.body?.getReader()
    await new Promise(resolve => setTimeout(resolve, 200))
    const before = sent
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(sent).toBe(before)
    await reader?.cancel()
  })

  it('uses a connection again when the body was read', async () => {
    const ports = new Set<number | undefined>()
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('x')
    })
    for (let count = 0; count < 3; count++) await textOf(await ask(url))
    expect(ports.size).toBe(1)
  })

  it('frees a piece when the next one is asked for, and what came out of the socket with it', async () => {
    const sent = randomBytes(4 * 1024 * 1024)
    const url = await serve((_, response) => void response.end(sent))
    const reader = (await ask(url)).body?.getReader()
    const hash = createHash('sha256')
    let before: Uint8Array | undefined
    for (;;) {
      const next = await reader?.read()
      expect(before?.byteLength ?? 0).toBe(0)
      if (next === undefined || next.done) break
      before = next.value
      hash.update(next.value)
    }
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  })
})

describe('FetchPool', () => {
  it("keeps to the process's own fetch where somebody has replaced it", async () => {
    const pool = new FetchPool({ registries: {} })
    const url = new URL('http://registry.example/')
    expect(await pool.fetchFor(url)).not.toBe(globalThis.fetch)
    const original = globalThis.fetch
    globalThis.fetch = async () => new Response('recorded')
    try {
      expect(await pool.fetchFor(url)).toBe(globalThis.fetch)
    } finally {
      globalThis.fetch = original
    }
  })

  describe('with a dispatcher of fetch', () => {
    const symbol = Symbol.for('undici.globalDispatcher.1')
    const url = new URL('http://registry.example/')
    const before = Reflect.get(globalThis, symbol)

    afterEach(() => void Reflect.set(globalThis, symbol, before))

    it("takes no notice of the one that Node's fetch makes for itself", async () => {
      await fetch(await serve((_, response) => void response.end('x')))
      expect(Reflect.get(globalThis, symbol)).toBeDefined()
      expect(await new FetchPool({ registries: {} }).fetchFor(url)).not.toBe(globalThis.fetch)
    })

    it.each([
      ['a proxy', () => new ProxyAgent('http://127.0.0.1:1')],
      ['a recorder', () => new MockAgent()],
      ['an agent with settings of its own', () => new Agent({ connect: { rejectUnauthorized: false } })],
      ['an agent with interceptors', () => new Agent().compose(interceptors.retry())],
      ['something unknown', () => ({ dispatch() {} })]
    ])('keeps to %s', async (_, make) => {
      Reflect.set(globalThis, symbol, make())
      expect(await new FetchPool({ registries: {} }).fetchFor(url)).toBe(globalThis.fetch)
    })
  })
})
