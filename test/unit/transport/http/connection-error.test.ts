import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../../src/errors/index.js'
import { connectionError } from '../../../../src/transport/http/connection-error.js'
import { parseEndpoint } from '../../../../src/transport/http/endpoint.js'
import { RequestBodyError } from '../../../../src/transport/http/request-body.js'

const call = { operation: 'SystemInfo', method: 'GET', path: '/v1.41/info' }
const failure = (code: string, message = 'it failed'): Error => Object.assign(new Error(message), { code })

describe('a failed connection', () => {
  it.each([
    ['unix:///var/run/docker.sock', 'ENOENT', 'unavailable', 'there is no socket at unix:///var/run/docker.sock: is the engine running?'],
    ['unix:///var/run/docker.sock', 'EACCES', 'unavailable', /permission denied for unix:.*add yourself to the group docker/],
    ['unix:///run/podman/podman.sock', 'EACCES', 'unavailable', /give this user read and write access to \/run\/podman\/podman.sock/],
    ['npipe:////./pipe/docker_engine', 'ENOENT', 'unavailable', /no socket at npipe:/],
    ['tcp://box:2375', 'ECONNREFUSED', 'unavailable', /nothing listens on tcp:\/\/box:2375/],
    ['tcp://box:2375', 'ENOTFOUND', 'unavailable', /cannot be resolved.*check the name/],
    ['tcp://box:2375', 'UND_ERR_CONNECT_TIMEOUT', 'unavailable', /did not take the connection in time/],
    ['tcp://box:2375', 'EHOSTUNREACH', 'unavailable', /no route/],
    ['tcp://box:2375', 'UND_ERR_HEADERS_TIMEOUT', 'deadline_exceeded', /SystemInfo: tcp:\/\/box:2375 did not answer in time/],
    ['tcp://box:2375', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'data_loss', /ended before its announced length/],
    ['tcp://box:2376', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'unavailable', /TLS with tcp:\/\/box:2376 failed/],
    ['ssh://box', 'ENOENT', 'unavailable', /no program ssh/],
    ['unix:///x', 'SOMETHING_ELSE', 'unavailable', /SystemInfo: the connection to unix:\/\/\/x failed \(it failed\)/]
  ])('%s with %s is %s', (host, errno, code, message) => {
    const cause = failure(errno)
    const error = connectionError(cause, parseEndpoint(host), call, false)
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ code, cause, details: { endpoint: host, errno, ...call } })
  })

  it('in the middle of an answer says so', () => {
    expect(connectionError(failure('ECONNRESET'), parseEndpoint('unix:///x'), call, true).message).toMatch(
      /lost in the middle of the answer/
    )
  })

  it('to every address of a host takes the reason of the first', () => {
    const all = new AggregateError([failure('ECONNREFUSED'), failure('ENETUNREACH')])
    expect(connectionError(all, parseEndpoint('tcp://localhost:1'), call, false).message).toMatch(/nothing listens/)
  })

  it("that the caller's own archive caused keeps its error", () => {
    const mine = new EngineError('data_loss', 'the layer is broken')
    expect(connectionError(new RequestBodyError('x', { cause: mine }), parseEndpoint('unix:///x'), call, false)).toBe(mine)
  })
})
