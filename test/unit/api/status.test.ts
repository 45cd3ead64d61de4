import { describe, expect, it } from 'vitest'
import { codeOf, statusOf } from '../../../src/api/status.js'
import { codeOfMessage, streamError, streamErrorMessage } from '../../../src/api/stream-error.js'
import { EngineError, errorCodes } from '../../../src/errors/index.js'

describe('statuses', () => {
  it('has one for every code, and it comes back as that code or one that means the same to a caller', () => {
    const widened: Record<string, string> = {
      already_exists: 'conflict',
      untrusted: 'permission_denied',
      not_supported: 'not_implemented',
      data_loss: 'failed',
      exited: 'failed',
      not_ready: 'failed',
      build_failed: 'failed',
      internal: 'failed'
    }
    for (const code of errorCodes) {
      const status = statusOf(code)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(codeOf(status)).toBe(widened[code] ?? code)
    }
  })

  it.each([
    [400, 'invalid_argument'],
    [401, 'unauthenticated'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [409, 'conflict'],
    [429, 'resource_exhausted'],
    [500, 'failed'],
    [501, 'not_implemented'],
    [503, 'unavailable'],
    [418, 'invalid_argument'],
    [599, 'failed']
  ])('reads %i as %s', (status, code) => {
    expect(codeOf(status)).toBe(code)
  })

  it('reads 409 as already_exists where the operation gives a name', () => {
    expect(codeOf(409, 'ContainerCreate')).toBe('already_exists')
    expect(codeOf(409, 'ContainerRename')).toBe('already_exists')
    expect(codeOf(409, 'ContainerKill')).toBe('conflict')
    expect(codeOf(404, 'ContainerCreate')).toBe('not_found')
  })
})

describe('errors in a stream', () => {
  it('come back with their code', () => {
    for (const code of ['not_found', 'unauthenticated', 'resource_exhausted', 'unavailable', 'invalid_argument', 'conflict'] as const) {
      expect(streamError(streamErrorMessage(new EngineError(code, 'why')))).toMatchObject({ code, message: 'why' })
    }
    expect(streamError(streamErrorMessage(new TypeError('oops')))).toMatchObject({ code: 'failed', message: 'oops' })
  })

  it('are nothing but errors', () => {
    for (const value of [{ status: 'Pulling' }, null, 3, 'error', [], { error: null }, { errorDetail: {} }])
      expect(streamError(value)).toBeUndefined()
  })

  it.each([
    ['pull access denied for x, repository does not exist or may require docker login: denied: requested access is denied', 'not_found'],
    ['manifest for 127.0.0.1:5000/x:9 not found: manifest unknown: manifest unknown', 'not_found'],
    ['unauthorized: authentication required', 'unauthenticated'],
    ['Head "http://x/v2/": no basic auth credentials', 'unauthenticated'],
    ['denied: requested access to the resource is denied', 'permission_denied'],
    ['toomanyrequests: You have reached your pull rate limit', 'resource_exhausted'],
    ['filesystem layer verification failed for digest sha256:00', 'data_loss'],
    ['write /var/lib/x: no space left on device', 'resource_exhausted'],
    ['Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 'unavailable'],
    ['something else', undefined]
  ])('mean what they say: %s', (message, code) => {
    expect(codeOfMessage(message)).toBe(code)
  })
})
