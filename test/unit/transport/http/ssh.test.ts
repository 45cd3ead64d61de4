import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ContainerAttach, ContainerInspect, SystemEvents, SystemInfo } from '../../../../src/api/index.js'
import { openHttp } from '../../../../src/transport/http/open-http.js'
import { frame, localEngine, textOf, until } from './local-engine.js'

// A stand-in for ssh: writes down how it was called and joins its stdin and stdout to a socket on this machine.
const standIn = (socketPath: string, log: string): string => `#!${process.execPath}
require('node:fs').appendFileSync(${JSON.stringify(log)}, JSON.stringify(process.argv.slice(2)) + '\\n')
if (process.argv.includes('exit')) process.exit(0)
const socket = require('node:net').connect({ path: ${JSON.stringify(socketPath)}, allowHalfOpen: true })
process.stdin.pipe(socket)
socket.pipe(process.stdout)
socket.on('end', () => process.exit(0))
`

describe.skipIf(process.platform === 'win32')('ssh', () => {
  let folder = ''
  let log = ''
  const path = process.env.PATH

  const install = async (script: string): Promise<void> => {
    await writeFile(join(folder, 'ssh'), script)
    await chmod(join(folder, 'ssh'), 0o755)
  }
  const calls = async (): Promise<string[][]> => {
    const text = await readFile(log, 'utf8').catch(() => '')
    return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
  }
  const controlFolders = async (): Promise<string[]> => (await readdir(tmpdir())).filter(name => name.startsWith('gantry-ssh-'))

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-fake-ssh-'))
    log = join(folder, 'log')
    process.env.PATH = `${folder}${delimiter}${path}`
  })
  afterEach(async () => {
    process.env.PATH = path
    await rm(folder, { recursive: true })
  })

  it("reaches an engine through the user's ssh, over one shared connection, and takes that down on close", async () => {
    const before = await controlFolders()
    await using engine = await localEngine({ answer: (_request, response) => response.end('{"ID":"far away"}') })
    await install(standIn(engine.socketPath, log))
    const transport = await openHttp({ host: 'ssh://me@box:2222/run/my.sock' })
    expect(transport).toMatchObject({ kind: 'ssh', endpoint: 'ssh://me@box:2222/run/my.sock', apiVersion: '1.41' })
    expect(await transport.call(SystemInfo, {})).toEqual({ ID: 'far away' })
    await transport.close()
    const [first = [], ...others] = await calls()
    // A second connection where the first was not free again at once, and one call to take them down.
    expect(others.length).toBeLessThanOrEqual(2)
    expect(first).toEqual(expect.arrayContaining(['ControlMaster=auto', 'BatchMode=yes', '-T']))
    expect(first.slice(first.indexOf('-l'))).toEqual([
      ...['-l', 'me', '-p', '2222', '--', 'box'],
      ...['docker', '--host', "'unix:///run/my.sock'", 'system', 'dial-stdio']
    ])
    const last = (await calls()).at(-1) ?? []
    expect(last.slice(last.indexOf('-O'), last.indexOf('-O') + 2)).toEqual(['-O', 'exit'])
    expect(await controlFolders()).toEqual(before)
  })

  it('carries streams and taken-over connections, half-close included', async () => {
    await using engine = await localEngine({
      answer: (_request, response) => response.end('{"Type":"container"}\n'),
      upgrade: (_request, socket) => {
        socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
        socket.on('data', data => socket.write(frame(1, data.toString())))
        socket.on('end', () => socket.end(frame(2, 'bye')))
      }
    })
    await install(standIn(engine.socketPath, log))
    await using transport = await openHttp({ host: 'ssh://box' })
    const events: unknown[] = []
    for await (const event of await transport.call(SystemEvents, {})) events.push(event)
    expect(events).toEqual([{ Type: 'container' }])
    const process = await transport.call(ContainerAttach, { path: { id: 'x' }, query: { stream: true } }, { tty: false })
    const big = 'x'.repeat(2 ** 20)
    const writing = process.write(Buffer.from(big)).then(() => process.closeWrite())
    expect(await textOf(process.output)).toBe(`${big}bye`)
    await writing
  })

  it('shares a few connections between many calls', async () => {
    await using engine = await localEngine({ answer: (_request, response) => response.end('{}') })
    await install(standIn(engine.socketPath, log))
    await using transport = await openHttp({ host: 'ssh://box' })
    await Promise.all(Array.from({ length: 30 }, () => transport.call(ContainerInspect, { path: { id: 'x' } })))
    expect((await calls()).length).toBeLessThanOrEqual(6)
  })

  it('an idle connection does not keep the process alive', async () => {
    const active = (): number => process.getActiveResourcesInfo().filter(kind => /Process|Pipe/.test(kind)).length
    await using engine = await localEngine({ answer: (_request, response) => response.end('{}') })
    await install(standIn(engine.socketPath, log))
    const before = active()
    await using transport = await openHttp({ host: 'ssh://box' })
    await transport.call(SystemInfo, {})
    // What is left are the server's ends, which belong to this test.
    const servers = (await calls()).length
    await expect.poll(active).toBeLessThanOrEqual(before + servers)
  })

  it('an abort ends the ssh process', async () => {
    let closed = false
    await using engine = await localEngine({
      answer: (_request, response) => {
        response.on('close', () => {
          closed = true
        })
      }
    })
    await install(standIn(engine.socketPath, log))
    await using transport = await openHttp({ host: 'ssh://box' })
    const controller = new AbortController()
    const call = transport.call(SystemInfo, {}, { signal: controller.signal })
    await until(() => engine.requests.length === 1)
    controller.abort('enough')
    await expect(call).rejects.toBe('enough')
    await until(() => closed)
  })

  it('what ssh complains about is in the error', async () => {
    await install('#!/bin/sh\necho "me@box: Permission denied (publickey)." >&2\nexit 255\n')
    await expect(openHttp({ host: 'ssh://me@box' })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'no connection to ssh://me@box: ssh ended with 255: me@box: Permission denied (publickey).'
    })
  })

  it('a machine without ssh is told so', async () => {
    process.env.PATH = folder
    await expect(openHttp({ host: 'ssh://box' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('install it')
    })
  })
})
