import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonBodyLimit } from '../../../../runtime/daemon/read-json-body.js'
import { parseTarget } from '../../../../runtime/daemon/request-target.js'
import { EngineError } from '../../../../src/errors/index.js'
import { readAll, type Served, serve } from './served.js'

// Needs: nothing. Handlers are made up.

const seen: Record<string, unknown> = {}
let served: Served

beforeAll(async () => {
  served = await serve({
    SystemPing: async () => 'OK',
    SystemPingHead: async () => ({ 'api-version': '1.51', 'builder-version': '1', swarm: 'inactive' }),
    SystemInfo: async () => ({}) as never,
    async ContainerCreate(input) {
      seen.create = input
      return { Id: 'abc', Warnings: [] }
    },
    async ContainerStop(input) {
      seen.stop = input
      return { modified: input.path.id !== 'stopped' }
    },
    ContainerStart: async () => ({ modified: true }),
    async ContainerStats(input) {
      seen.stats = input
      return (async function* () {})()
    },
    async ImageInspect(input) {
      seen.image = input.path.name
      throw new EngineError('not_found', `No such image: ${input.path.name}`)
    }
  })
})
afterAll(() => served.stop())

describe('where a request goes', () => {
  it.each([
    ['/v1.41/info', { path: '/info', version: '1.41' }],
    ['/info?a=b', { path: '/info', version: undefined }],
    ['/v1.x/info', { path: '/v1.x/info', version: undefined }],
    ['/images/a/b/c:1/json', { path: '/images/a%2Fb%2Fc:1/json', version: undefined }],
    ['/images/json', { path: '/images/json', version: undefined }],
    ['/images/host:5000/a/b', { path: '/images/host:5000%2Fa%2Fb', version: undefined }],
    ['/distribution/a/b/json', { path: '/distribution/a%2Fb/json', version: undefined }]
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected)
  })

  it('a name of several parts reaches the handler whole, escaped or not', async () => {
    for (const path of ['/images/host:5000/a/b:1/json', '/v1.41/images/host:5000%2Fa%2Fb:1/json']) {
      expect((await served.call('GET', path)).status).toBe(404)
      expect(seen.image).toBe('host:5000/a/b:1')
    }
  })

  it.each([
    ['GET', '/nope'],
    ['GET', '/v1.41/nope'],
    ['POST', '/info'],
    ['GET', '/v1.x/info'],
    ['GET', '/']
  ])('%s %s is "page not found"', async (method, path) => {
    expect(await served.call(method, path)).toMatchObject({ status: 404, body: '{"message":"page not found"}\n' })
  })

  it('what has no handler is 501 by its name', async () => {
    const { status, body } = await served.call('POST', '/swarm/init', { body: '{}' })
    expect([status, body]).toEqual([501, expect.stringContaining('SwarmInit')])
  })

  it('a version that is too new or too old is refused in Docker’s words', async () => {
    expect(await served.call('GET', '/v1.99/info')).toMatchObject({
      status: 400,
      body: '{"message":"client version 1.99 is too new. Maximum supported API version is 1.55"}\n'
    })
    const { status, body } = await served.call('GET', '/v1.12/info')
    expect([status, body]).toEqual([
      400,
      expect.stringContaining('client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client')
    ])
  })

  it('a ping says who answers', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await served.call(method, '/_ping')
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'api-version': '1.51',
        ostype: 'linux',
        server: 'Gantry/1.2.3 (linux)',
        'docker-experimental': 'false'
      })
      expect(headers).toMatchObject({ 'builder-version': '1', swarm: 'inactive', 'cache-control': 'no-cache, no-store, must-revalidate' })
    }
  })
})

describe('what comes with a request', () => {
  it('parameters that a version does not have are ignored, and so are those nobody knows', async () => {
    await served.call('POST', '/v1.41/containers/a/stop?signal=SIGINT&t=3&what=1')
    expect(seen.stop).toMatchObject({ query: { t: 3 } })
    expect(seen.stop).not.toHaveProperty('query.signal')
    await served.call('POST', '/v1.42/containers/a/stop?signal=SIGINT')
    expect(seen.stop).toMatchObject({ query: { signal: 'SIGINT' } })
  })

  it('stats are a stream unless told', async () => {
    await served.call('GET', '/containers/a/stats')
    expect(seen.stats).toMatchObject({ query: { stream: true } })
    await served.call('GET', '/containers/a/stats?stream=0')
    expect(seen.stats).toMatchObject({ query: { stream: false } })
  })

  it('fields that nobody knows are left to the handler, null is nothing', async () => {
    const { status } = await served.call('POST', '/containers/create?name=n', {
      body: '{"Image":"i","Nobody":1,"HostConfig":{"Binds":null}}'
    })
    expect(status).toBe(201)
    expect(seen.create).toMatchObject({ query: { name: 'n' }, body: { Image: 'i', HostConfig: {} } })
  })

  it.each([
    ['{', 'invalid JSON in the body of ContainerCreate'],
    ['[]', 'body: expected an object'],
    ['{"Image":5}', 'body.Image: expected a string, got the number 5'],
    ['{"HostConfig":{"Memory":"x"}}', 'body.HostConfig.Memory: expected'],
    ['{"Env":[1]}', 'body.Env[0]: expected a string'],
    ['', 'body: expected']
  ])('the body %s is 400 and says where', async (body, message) => {
    const answer = await served.call('POST', '/containers/create', { body })
    expect([answer.status, JSON.parse(answer.body).message]).toEqual([400, expect.stringContaining(message)])
  })

  it.each([
    ['/containers/create?filters=x', 201],
    ['/containers/a/stop?t=x', 400]
  ])('%s', async (path, status) => {
    expect((await served.call('POST', path, { body: '{}' })).status).toBe(status)
  })

  it('another type than JSON is refused, JSON with a character set is not', async () => {
    const call = (type: string) => served.call('POST', '/containers/create', { body: '{}', headers: { 'content-type': type } })
    expect(await call('text/plain')).toMatchObject({ status: 400, body: expect.stringContaining('text/plain') })
    expect(await call('application/json; charset=utf-8')).toMatchObject({ status: 201 })
  })

  it('settings given to a start are refused', async () => {
    expect((await served.call('POST', '/containers/a/start', { body: '{"Binds":["/a:/b"]}' })).status).toBe(400)
    expect((await served.call('POST', '/containers/a/start', { body: '{}' })).status).toBe(204)
    expect((await served.call('POST', '/containers/a/start')).status).toBe(204)
  })

  it('a body that is too long is 413, and the next request is answered', async () => {
    const { status } = await served.call('POST', '/containers/create', { body: `{"Image":"${'x'.repeat(jsonBodyLimit)}"}` })
    expect(status).toBe(413)
    expect((await served.call('GET', '/_ping')).status).toBe(200)
  })

  it('headers that are too long are 431', async () => {
    const socket = await served.raw(`GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`)
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 431 [\s\S]*"message"/)
  })

  it.each([
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: x\r\n\r\n',
    '\x16\x03\x01\x00\xa5'
  ])('what is no HTTP is 400: %j', async text => {
    expect(await readAll(await served.raw(text))).toMatch(/^HTTP\/1.1 400 [\s\S]*"message":"malformed HTTP request/)
    expect((await served.call('GET', '/_ping')).status).toBe(200)
  })

  it('a body that breaks off is nobody’s problem', async () => {
    const socket = await served.raw(
      'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"Ima'
    )
    socket.destroy()
    expect((await served.call('GET', '/_ping')).status).toBe(200)
  })

  it('an upgrade that an operation does not have is declined', async () => {
    const answer = await served.call('POST', '/containers/create', {
      body: '{"Image":"i"}',
      headers: { connection: 'Upgrade', upgrade: 'h2c' }
    })
    expect([answer.status, JSON.parse(answer.body).Id]).toEqual([201, 'abc'])
  })
})

it('stopping what is stopped is 304', async () => {
  expect((await served.call('POST', '/containers/stopped/stop')).status).toBe(304)
})
