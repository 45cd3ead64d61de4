import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../../../runtime/registry/challenge.js'

describe('parseChallenges', () => {
  it('reads a bearer challenge with quoted commas', () => {
    const header = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/a:pull,push"'
    expect(parseChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:library/a:pull,push' }
      }
    ])
  })

  it('reads several challenges, tokens without quotes and escaped quotes', () => {
    expect(parseChallenges('Negotiate, Basic realm="a \\"b\\"", Bearer realm=x , error = insufficient_scope')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
      { scheme: 'bearer', parameters: { realm: 'x', error: 'insufficient_scope' } }
    ])
  })

  it.each([null, '', '   ', '=', '"'])('gives nothing for %j', header => {
    expect(parseChallenges(header)).toEqual([])
  })
})
