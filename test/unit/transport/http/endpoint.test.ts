import { describe, expect, it } from 'vitest'
import { parseEndpoint } from '../../../../src/transport/http/endpoint.js'

describe('parseEndpoint', () => {
  it.each([
    ['unix:///var/run/docker.sock', { kind: 'unix', socketPath: '/var/run/docker.sock' }],
    ['npipe:////./pipe/docker_engine', { kind: 'npipe', socketPath: '\\\\.\\pipe\\docker_engine' }],
    ['tcp://192.0.2.1:2375', { kind: 'tcp', hostname: '192.0.2.1', port: 2375, basePath: '' }],
    ['tcp://box', { kind: 'tcp', hostname: 'box', port: undefined, basePath: '' }],
    ['tcp://[::1]:1/prefix/', { kind: 'tcp', hostname: '[::1]', port: 1, basePath: '/prefix' }],
    ['ssh://box', { kind: 'ssh', target: { hostname: 'box' } }],
    [
      'ssh://me@box:2222/run/other.sock',
      { kind: 'ssh', target: { hostname: 'box', user: 'me', port: '2222', socketPath: '/run/other.sock' } }
    ]
  ])('takes %s apart', (host, parts) => {
    expect(parseEndpoint(host)).toEqual({ display: host, ...parts })
  })

  it.each([
    ['/var/run/docker.sock', 'write unix:///var/run/docker.sock'],
    ['docker', 'expected something like'],
    ['fd://', 'expected something like'],
    ['unix://relative', 'absolute path'],
    ['tcp://', 'expected something like'],
    ['tcp://box:port', 'expected something like'],
    ['ssh://-oProxyCommand=id', 'must not begin with "-"'],
    ['ssh://-l@box', 'must not begin with "-"']
  ])('refuses %s and says what is expected', (host, expected) => {
    expect(() => parseEndpoint(host)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(expected) })
    )
  })

  it.each(['tcp://me:hunter2@box:1', 'ssh://me:hunter2@box', 'tcp://me:hunter2@box:port'])('never repeats the password of %s', host => {
    expect(() => parseEndpoint(host)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    try {
      parseEndpoint(host)
    } catch (error) {
      expect(JSON.stringify([error, String(error)])).not.toContain('hunter2')
    }
  })
})
