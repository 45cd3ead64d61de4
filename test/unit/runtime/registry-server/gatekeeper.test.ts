import { describe, expect, it } from 'vitest'
import { usersOf } from '../../../../runtime/registry-server/users.js'
import { type Served, serve } from './served.js'

const users = usersOf({ ann: 'secret' })
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

describe('a registry with users', () => {
  it('asks everybody who they are', async () => {
    await using served = await serve({ users })
    const ping = await served.call('GET', '/v2/')
    expect([ping.status, ping.codes, ping.headers.get('www-authenticate')]).toEqual([
      401,
      ['UNAUTHORIZED'],
      'Basic realm="Gantry registry"'
    ])
    expect((await served.call('GET', '/v2/', { headers: basic('ann:secret') })).status).toBe(200)
    const wrong = await served.call('GET', '/v2/', { headers: basic('ann:wrong') })
    expect([wrong.status, wrong.text]).toEqual([401, expect.not.stringContaining('wrong:')])
    for (const header of ['Basic', 'Basic x', 'Bearer x', 'Digest x', 'Basic OmE=']) {
      expect((await served.call('GET', '/v2/_catalog', { headers: { authorization: header } })).status).toBe(401)
    }
    expect((await served.call('POST', '/v2/a/blobs/uploads/')).status).toBe(401)
    expect((await served.call('POST', '/v2/a/blobs/uploads/', { headers: basic('ann:secret') })).status).toBe(202)
    expect((await served.call('GET', '/token')).status).toBe(404)
    expect(served.lines.join('\n')).not.toContain('secret')
  })
})

describe('a registry where those without a name pull', () => {
  async function token(served: Served, scope: string, headers = {}): Promise<string> {
    const answer = await served.call('GET', `/token?service=gantry&scope=${encodeURIComponent(scope)}`, { headers })
    return answer.status === 200 ? JSON.parse(answer.text).token : `${answer.status}`
  }

  it('gives everybody a token for it, and users one for more', async () => {
    await using served = await serve({ users, anonymousPull: true })
    const { address } = served.registry
    const ping = await served.call('GET', '/v2/')
    expect([ping.status, ping.headers.get('www-authenticate')]).toEqual([401, `Bearer realm="http://${address}/token",service="gantry"`])
    const push = await served.call('POST', '/v2/a/blobs/uploads/')
    expect(push.headers.get('www-authenticate')).toMatch(/,scope="repository:a:pull,push"$/)

    const wish = 'repository:a:pull,push'
    const anonymous = { authorization: `Bearer ${await token(served, wish)}` }
    expect((await served.call('GET', '/v2/', { headers: anonymous })).status).toBe(200)
    expect((await served.call('GET', '/v2/a/tags/list', { headers: anonymous })).codes).toEqual(['NAME_UNKNOWN'])
    expect((await served.call('POST', '/v2/a/blobs/uploads/', { headers: anonymous })).codes).toEqual(['UNAUTHORIZED'])
    const named = { authorization: `Bearer ${await token(served, wish, basic('ann:secret'))}` }
    expect((await served.call('POST', '/v2/a/blobs/uploads/', { headers: named })).status).toBe(202)
    expect((await served.call('POST', '/v2/b/blobs/uploads/', { headers: named })).status).toBe(401)
    expect((await served.call('DELETE', '/v2/a/manifests/x', { headers: named })).status).toBe(401)
    expect(await token(served, wish, basic('ann:wrong'))).toBe('401')
    expect((await served.call('POST', '/token')).status).toBe(405)
    // Who shows a password with each request needs no token.
    expect((await served.call('POST', '/v2/b/blobs/uploads/', { headers: basic('ann:secret') })).status).toBe(202)
  })
})
