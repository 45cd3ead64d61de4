import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCredentials } from '../../../src/registry-auth/find-credentials.js'
import { eraseCredentials, saveCredentials } from '../../../src/registry-auth/save-credentials.js'
import { keepingHelper, makeHome } from './kit.js'

const login = { username: 'me', password: 'hunter2' }

describe('a login is kept', () => {
  it('in the file, as the docker CLI writes it, readable for its owner alone', async () => {
    await using home = await makeHome()
    const { environment } = home
    expect(await saveCredentials('https://r.test:5000/v2/', login, { environment })).toEqual({ path: home.config })
    expect(await saveCredentials('', { ...login, identityToken: 'it' }, { environment })).toEqual({ path: home.config })
    expect(await readFile(home.config, 'utf8')).toBe(
      `${JSON.stringify({ auths: { 'r.test:5000': { auth: 'bWU6aHVudGVyMg==' }, 'https://index.docker.io/v1/': { auth: 'bWU6', identitytoken: 'it' } } }, undefined, '\t')}\n`
    )
    expect((await stat(home.config)).mode & 0o777).toBe(0o600)
    expect((await stat(join(home.folder, '.docker'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(home.folder, '.docker'))).toEqual(['config.json'])
    expect(await findCredentials('r.test:5000', { environment })).toEqual(login)
    expect(await findCredentials('docker.io', { environment })).toEqual({ identityToken: 'it' })
  })

  it('beside everything else that the file says', async () => {
    await using home = await makeHome()
    const { environment } = home
    const others = { HttpHeaders: { a: 'b' }, plugins: { x: { y: '1' } }, currentContext: 'c', unheardOf: [1, { z: null }] }
    await home.writeConfig({
      ...others,
      auths: { 'https://r.test/v1/': { auth: 'eDp4', email: 'e' }, 'o.test': { auth: 'eDp4', more: 1 } }
    })
    await saveCredentials('r.test', login, { environment })
    expect(JSON.parse(await readFile(home.config, 'utf8'))).toEqual({
      ...others,
      auths: { 'r.test': { email: 'e', auth: 'bWU6aHVudGVyMg==' }, 'o.test': { auth: 'eDp4', more: 1 } }
    })
    expect(await eraseCredentials('r.test', { environment })).toBe(true)
    expect(await eraseCredentials('r.test', { environment })).toBe(false)
    expect(JSON.parse(await readFile(home.config, 'utf8'))).toEqual({ ...others, auths: { 'o.test': { auth: 'eDp4', more: 1 } } })
  })

  it('through links, which stay links', async () => {
    await using home = await makeHome()
    await mkdir(join(home.folder, '.docker'))
    await mkdir(join(home.folder, 'dotfiles'))
    await symlink('../dotfiles/docker.json', home.config)
    await saveCredentials('a.test', login, { environment: home.environment })
    await saveCredentials('b.test', login, { environment: home.environment })
    expect((await lstat(home.config)).isSymbolicLink()).toBe(true)
    expect(Object.keys(JSON.parse(await readFile(join(home.folder, 'dotfiles/docker.json'), 'utf8')).auths)).toEqual(['a.test', 'b.test'])
  })

  it('when many write at once', async () => {
    await using home = await makeHome()
    const { environment } = home
    const hosts = Array.from({ length: 24 }, (_, index) => `r${index}.test`)
    await Promise.all(hosts.map(host => saveCredentials(host, login, { environment })))
    expect(Object.keys(JSON.parse(await readFile(home.config, 'utf8')).auths).sort()).toEqual([...hosts].sort())
    expect(await readdir(join(home.folder, '.docker'))).toEqual(['config.json'])
  })

  it('although a writer died in the middle', async () => {
    await using home = await makeHome()
    await home.writeConfig({})
    const { hostname } = await import('node:os')
    await writeFile(`${home.config}.lock`, `999999999 ${hostname()} x\n`)
    await saveCredentials('r.test', login, { environment: home.environment })
    expect(await readdir(join(home.folder, '.docker'))).toEqual(['config.json'])
  })

  it('with the helper that the file names, which alone has the secret', async () => {
    await using home = await makeHome()
    const { environment } = home
    await home.helper('keep', keepingHelper)
    await home.writeConfig({ credsStore: 'keep' })
    expect(await saveCredentials('r.test', login, { environment })).toEqual({ path: home.config, helper: 'keep' })
    expect(JSON.parse(await readFile(home.config, 'utf8'))).toEqual({ credsStore: 'keep', auths: { 'r.test': {} } })
    expect(await findCredentials('r.test', { environment })).toEqual(login)
    expect(await eraseCredentials('r.test', { environment })).toBe(true)
    expect(await findCredentials('r.test', { environment })).toBeUndefined()
    expect(JSON.parse(await readFile(home.config, 'utf8'))).toEqual({ credsStore: 'keep', auths: {} })
    await saveCredentials('r.test', { ...login, identityToken: 'it' }, { environment })
    expect(await findCredentials('r.test', { environment })).toEqual({ identityToken: 'it' })
  })

  it("with the system's helper where the file says nothing yet", async () => {
    await using home = await makeHome()
    const { environment } = home
    const name = process.platform === 'darwin' ? 'osxkeychain' : 'secretservice'
    await home.helper(name, keepingHelper)
    expect(await saveCredentials('r.test', login, { environment })).toEqual({ path: home.config, helper: name })
    expect(JSON.parse(await readFile(home.config, 'utf8'))).toEqual({ credsStore: name, auths: { 'r.test': {} } })
  })

  it("in the file where the system's helper does not work, and says so", async () => {
    await using home = await makeHome()
    await home.helper(process.platform === 'darwin' ? 'osxkeychain' : 'secretservice', 'echo "Cannot autolaunch D-Bus"; exit 1')
    const saved = await saveCredentials('r.test', login, { environment: home.environment })
    expect(saved).toEqual({
      path: home.config,
      passedOver: expect.stringMatching(/failed \(store, exit code 1\): Cannot autolaunch D-Bus/)
    })
    expect(await findCredentials('r.test', { environment: home.environment })).toEqual(login)
  })

  it('not at all where the helper fails; its secret is in no message', async () => {
    await using home = await makeHome()
    await home.helper('broken', 'cat; exit 1')
    await home.writeConfig({ credsStore: 'broken' })
    const error = await saveCredentials('r.test', login, { environment: home.environment }).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/docker-credential-broken failed \(store, exit code 1\)/)
    })
    expect(String(error)).not.toContain('hunter2')
    expect(JSON.parse(await readFile(home.config, 'utf8'))).toEqual({ credsStore: 'broken' })
  })

  it('not over a file that is malformed', async () => {
    await using home = await makeHome()
    await home.writeConfig('{ "auths": { "x": ')
    await expect(saveCredentials('r.test', login, { environment: home.environment })).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await readFile(home.config, 'utf8')).toBe('{ "auths": { "x": ')
  })
})
