import { describe, expect, it } from 'vitest'
import { SystemInfo } from '../../../../src/api/index.js'
import { chooseVersion } from '../../../../src/transport/http/negotiate.js'
import { openHttp } from '../../../../src/transport/http/open-http.js'
import { localEngine, rawServer } from './local-engine.js'

describe('the API version', () => {
  it.each([
    ['1.24', '1.24'],
    ['1.41', '1.41'],
    ['1.55', '1.55'],
    ['1.99', '1.55'],
    ['2.0', '1.55']
  ])('an engine whose newest is %s is spoken to in %s', (said, spoken) => {
    expect(chooseVersion(said, 'unix:///x')).toBe(spoken)
  })

  it('an engine older than 1.24 is not_supported, naming both versions', () => {
    expect(() => chooseVersion('1.9', 'unix:///x')).toThrow(
      expect.objectContaining({ code: 'not_supported', message: expect.stringMatching(/1\.9.*1\.24/) })
    )
  })

  it('goes into the path of every call', async () => {
    await using engine = await localEngine({ apiVersion: '1.43', answer: (_request, response) => response.end('{}') })
    const transport = await engine.open()
    expect(transport.apiVersion).toBe('1.43')
    await transport.call(SystemInfo, {})
    expect(engine.requests).toEqual(['GET /v1.43/info'])
  })

  it('is asked for with GET where HEAD is refused', async () => {
    await using server = await rawServer(socket => {
      socket.on('data', data => {
        if (data.toString().startsWith('HEAD')) socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n')
        else socket.end('HTTP/1.1 200 OK\r\nApi-Version: 1.30\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK')
      })
    })
    expect((await server.open()).apiVersion).toBe('1.30')
  })

  it('of an engine that says OK and no version is 1.24', async () => {
    await using server = await rawServer(socket => {
      socket.on('data', data => {
        const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n'
        socket.end(data.toString().startsWith('HEAD') ? head : `${head}OK`)
      })
    })
    expect((await server.open()).apiVersion).toBe('1.24')
  })
})

describe('what answers is no engine', () => {
  it.each([
    ['a web server', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>'],
    ['one with a nonsense version', 'HTTP/1.1 200 OK\r\nApi-Version: latest\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n']
  ])('%s is unavailable, naming the address', async (_what, answer) => {
    await using server = await rawServer(socket => {
      socket.on('data', () => socket.end(answer))
    })
    const opening = openHttp({ host: server.host })
    await expect(opening).rejects.toMatchObject({ code: 'unavailable' })
    await expect(opening).rejects.toThrow(server.host)
  })

  it('an error page keeps its status and what it says', async () => {
    const page = '<html><head><style>p{}</style></head><body><h1>Bad Gateway</h1></body></html>'
    await using server = await rawServer(socket => {
      socket.on('data', () => socket.end(`HTTP/1.1 502 Bad Gateway\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`))
    })
    await expect(openHttp({ host: server.host })).rejects.toMatchObject({ message: 'Bad Gateway', details: { status: 502 } })
  })

  it('an engine that expects TLS is said to', async () => {
    const text = 'Client sent an HTTP request to an HTTPS server.\n'
    await using server = await rawServer(socket => {
      socket.on('data', () => socket.end(`HTTP/1.0 400 Bad Request\r\n\r\n${text}`))
    })
    await expect(openHttp({ host: server.host })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('DOCKER_TLS_VERIFY')
    })
  })
})
