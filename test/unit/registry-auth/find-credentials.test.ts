import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allCredentials } from '../../../src/registry-auth/all-credentials.js'
import { findCredentials } from '../../../src/registry-auth/find-credentials.js'
import { makeHome } from './kit.js'

const basic = (text: string): string => Buffer.from(text).toString('base64')
const me = { username: 'me', password: 'p:w' }

describe('credentials of the docker CLI', () => {
  it('are none where there is no file, an empty one, or nothing for the host', async () => {
    await using home = await makeHome()
    const find = () => findCredentials('ghcr.io', { environment: home.environment })
    expect(await find()).toBeUndefined()
    await home.writeConfig('')
    expect(await find()).toBeUndefined()
    await home.writeConfig({ auths: { 'ghcr.io.evil.test': { auth: basic('a:b') }, 'ghcr.io': {} } })
    expect(await find()).toBeUndefined()
  })

  it.each([
    ['user and password in base64', { auth: basic('me:p:w') }, me],
    ['padding of old versions', { auth: basic('me:p:w\0\0') }, me],
    ['user and password apart', { username: 'me', password: 'p:w' }, me],
    ['an identity token, whatever else is there', { auth: basic('me:'), identitytoken: 'it' }, { identityToken: 'it' }],
    ['a registry token', { registrytoken: 'rt' }, { registryToken: 'rt' }]
  ])('are read from %s', async (_what, entry, credentials) => {
    await using home = await makeHome()
    await home.writeConfig({ auths: { 'r.test:5000': entry } })
    expect(await findCredentials('r.test:5000', { environment: home.environment })).toEqual(credentials)
  })

  it.each([
    ['r.test:5000', 'https://r.test:5000', 'https://r.test:5000/v2/'],
    ['https://r.test:5000/v1/', 'r.test:5000', 'http://r.test:5000/x']
  ])('are found by any spelling of a host: %s', async (key, ...addresses) => {
    await using home = await makeHome()
    await home.writeConfig({ auths: { [key]: me } })
    for (const address of addresses) expect(await findCredentials(address, { environment: home.environment })).toEqual(me)
    for (const other of ['r.test', 'r.test:5001', 'x.r.test:5000']) {
      expect(await findCredentials(other, { environment: home.environment })).toBeUndefined()
    }
  })

  it.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'https://registry-1.docker.io'])(
    'of Docker Hub are those of %s',
    async key => {
      await using home = await makeHome()
      await home.writeConfig({ auths: { 'x.test': { username: 'x', password: 'x' }, [key]: me } })
      for (const address of ['', 'docker.io', 'https://index.docker.io/v1/']) {
        expect(await findCredentials(address, { environment: home.environment })).toEqual(me)
      }
    }
  )

  it.each([
    ['{ "auths": ', /config\.json: it is not JSON\. Correct the file/],
    ['[1]', /config\.json: it must hold a JSON object/],
    [{ auths: 'hunter2' }, /config\.json: auths must be an object/],
    [{ auths: { 'r.test': { auth: 'hunter2 !' } } }, /auths\["r\.test"\]\.auth must be user:password in base64/],
    [{ auths: { 'r.test': { auth: basic('hunter2') } } }, /auths\["r\.test"\]\.auth must be user:password in base64/],
    [{ auths: { 'r.test': { password: 5 } } }, /auths\["r\.test"\]\.password must be a text/],
    [{ credsStore: 5 }, /credsStore must be the name of a helper/],
    [{ credHelpers: { 'r.test': 5 } }, /credHelpers\["r\.test"\] must be the name of a helper/]
  ])('in a malformed file are refused without repeating it: %j', async (content, message) => {
    await using home = await makeHome()
    await home.writeConfig(content)
    const error = await findCredentials('r.test', { environment: home.environment }).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(message) })
    expect(String(error)).not.toContain('hunter2')
  })

  it('of a malformed entry do not hide those of another host', async () => {
    await using home = await makeHome()
    await home.writeConfig({ auths: { 'broken.test': 5, 'r.test': me } })
    expect(await findCredentials('r.test', { environment: home.environment })).toEqual(me)
  })

  it('come from DOCKER_AUTH_CONFIG before the file, and from REGISTRY_AUTH_FILE before both', async () => {
    await using home = await makeHome()
    await home.writeConfig({ auths: { 'r.test': { username: 'file', password: 'x' }, 'only.test': me } })
    const env: Record<string, string> = {
      ...home.environment.env,
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'r.test': { auth: basic('text:x') } }, credsStore: 'nothing' })
    }
    const find = (host: string, repository?: string) =>
      findCredentials(host, { environment: { ...home.environment, env }, ...(repository !== undefined && { repository }) })
    expect(await find('r.test')).toMatchObject({ username: 'text' })
    expect(await find('only.test')).toEqual(me)
    const podman = join(home.folder, 'auth.json')
    const auths = {
      'r.test': { auth: basic('host:x') },
      'r.test/team': { auth: basic('team:x') },
      'docker.io/library/a': { auth: basic('a:x') }
    }
    await writeFile(podman, JSON.stringify({ auths }))
    env.REGISTRY_AUTH_FILE = podman
    expect(await find('r.test', 'team/app')).toMatchObject({ username: 'team' })
    expect(await find('r.test', 'teamster/app')).toMatchObject({ username: 'host' })
    expect(await find('docker.io', 'library/a')).toMatchObject({ username: 'a' })
    expect(await find('only.test')).toEqual(me)
  })

  it('are looked for in DOCKER_CONFIG', async () => {
    await using home = await makeHome()
    await home.writeConfig({ auths: { 'r.test': me } })
    const environment = { homedir: '/nowhere', env: { DOCKER_CONFIG: join(home.folder, '.docker') } }
    expect(await findCredentials('r.test', { environment })).toEqual(me)
  })
})

describe('credential helpers', () => {
  it('are asked for the host they are for, else the one for all', async () => {
    await using home = await makeHome()
    await home.helper('all', `echo "{\\"ServerURL\\":\\"$(cat)\\",\\"Username\\":\\"all\\",\\"Secret\\":\\"s\\"}"`)
    await home.helper('one', 'read server; echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"')
    await home.writeConfig({ credsStore: 'all', credHelpers: { 'one.test': 'one', 'docker.io': 'one' } })
    const find = (host: string) => findCredentials(host, { environment: home.environment })
    expect(await find('r.test')).toEqual({ username: 'all', password: 's' })
    expect(await find('one.test')).toEqual({ username: 'one.test', password: 's' })
    expect(await find('docker.io')).toEqual({ username: 'https://index.docker.io/v1/', password: 's' })
  })

  it('give an identity token under the user name <token>', async () => {
    await using home = await makeHome()
    await home.helper('h', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"it\\"}"')
    await home.writeConfig({ credsStore: 'h' })
    expect(await findCredentials('r.test', { environment: home.environment })).toEqual({ identityToken: 'it' })
  })

  it('that have nothing mean no credentials', async () => {
    await using home = await makeHome()
    await home.helper('h', 'echo "credentials not found in native keychain"; exit 1')
    await home.writeConfig({ credsStore: 'h', auths: { 'r.test': {} } })
    expect(await findCredentials('r.test', { environment: home.environment })).toBeUndefined()
  })

  it.each([
    [
      'fails',
      'echo "pass not initialized: exit status 1"; exit 1',
      'failed',
      /docker-credential-h failed \(get, exit code 1\): pass not initialized/
    ],
    ['answers something else', 'echo hunter2', 'failed', /docker-credential-h gave no JSON that answers get/],
    ['answers half', 'echo "{\\"Secret\\":\\"hunter2\\"}"', 'failed', /docker-credential-h gave no JSON that answers get/],
    ['hangs', 'exec sleep 60', 'deadline_exceeded', /docker-credential-h did not answer get within 300 ms/],
    ['says too much', 'yes', 'failed', /docker-credential-h says more than \d+ bytes/]
  ])('one that %s is named', async (_what, script, code, message) => {
    await using home = await makeHome()
    await home.helper('h', script)
    await home.writeConfig({ credsStore: 'h' })
    const error = await findCredentials('r.test', { environment: home.environment, timeoutMs: 300 }).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2')
  })

  it('one that is missing, or whose name is a path, is named', async () => {
    await using home = await makeHome()
    await home.writeConfig({ credHelpers: { 'a.test': 'nothing', 'b.test': '../../bin/sh' } })
    const find = (host: string) => findCredentials(host, { environment: home.environment })
    await expect(find('a.test')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/docker-credential-nothing is not on the PATH/)
    })
    await expect(find('b.test')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/is not the name of a credential helper/)
    })
  })

  it('what one leaves running is not waited for', async () => {
    await using home = await makeHome()
    await home.helper('h', 'sleep 20 & echo $! > "$0.pid"; echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"s\\"}"')
    await home.writeConfig({ credsStore: 'h' })
    try {
      expect(await findCredentials('r.test', { environment: home.environment, timeoutMs: 10_000 })).toEqual({
        username: 'u',
        password: 's'
      })
    } finally {
      const { readFile } = await import('node:fs/promises')
      process.kill(Number(await readFile(join(home.folder, 'bin/docker-credential-h.pid'), 'utf8')))
    }
  })

  it('an abort ends the wait for one', async () => {
    await using home = await makeHome()
    await home.helper('h', 'exec sleep 60')
    await home.writeConfig({ credsStore: 'h' })
    const signal = AbortSignal.timeout(100)
    await expect(findCredentials('r.test', { environment: home.environment, signal })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('that cannot list are asked for the servers of the file', async () => {
    await using home = await makeHome()
    await home.helper('h', 'test "$1" = get && echo "{\\"Username\\":\\"$(cat)\\",\\"Secret\\":\\"s\\"}" || exit 1')
    await home.writeConfig({ credsStore: 'h', auths: { 'r.test': {}, 'https://index.docker.io/v1/': {} } })
    const { credentials, problems } = await allCredentials({ environment: home.environment })
    expect(Object.keys(credentials).sort()).toEqual(['https://index.docker.io/v1/', 'r.test'])
    expect(problems).toMatchObject([{ code: 'failed', message: expect.stringMatching(/failed \(list, exit code 1\)/) }])
  })

  it('that can list are asked for all they have, and one that is broken hides no other', async () => {
    await using home = await makeHome()
    await home.helper('h', 'test "$1" = get && echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"s\\"}" || echo "{\\"listed.test\\":\\"u\\"}"')
    await home.writeConfig({ credsStore: 'h', credHelpers: { 'b.test': 'nothing' } })
    const { credentials, problems } = await allCredentials({ environment: home.environment })
    expect(credentials).toEqual({ 'listed.test': { username: 'u', password: 's' } })
    expect(problems).toMatchObject([{ code: 'not_found' }])
  })
})
