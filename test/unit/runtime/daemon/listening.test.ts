import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseListenAddress } from '../../../../runtime/daemon/listen-address.js'
import { type Listener, listen } from '../../../../runtime/daemon/listener.js'

// Needs: nothing.

const engine = { handlers: {}, version: '1', apiVersion: '1.51', newestApiVersion: '1.55', smallestApiVersion: '1.24' }
let folder: string
let listeners: Listener[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-listen-'))
  listeners = []
})
afterEach(async () => {
  for (const listener of listeners) await listener.close()
  await rm(folder, { recursive: true, force: true })
})
const open = async (...args: Parameters<typeof listen> extends [unknown, ...infer Rest] ? Rest : never) => {
  const listener = await listen(engine, ...args)
  listeners.push(listener)
  return listener
}

describe('addresses', () => {
  it.each([
    ['unix:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['tcp://127.0.0.1:1234', { kind: 'tcp', hostname: '127.0.0.1', port: 1234 }],
    ['tcp://:1234', { kind: 'tcp', hostname: '127.0.0.1', port: 1234 }],
    ['tcp://[::1]:1', { kind: 'tcp', hostname: '::1', port: 1 }],
    ['tcp://0.0.0.0', { kind: 'tcp', hostname: '0.0.0.0', port: 2376 }]
  ])('%s', (address, expected) => {
    expect(parseListenAddress(address, true)).toEqual(expected)
  })

  it.each(['', 'x', '/run/x.sock', 'unix://x', 'unix:///', 'tcp://a:b', 'tcp://a:99999', 'http://a', `unix:///${'x'.repeat(200)}`])(
    '%s is none',
    address => {
      expect(() => parseListenAddress(address, true)).toThrow(/is no address to listen on/)
    }
  )

  it('fd:// is refused by its name', () => {
    expect(() => parseListenAddress('fd://', false)).toThrow(/fd:\/\/.* not supported/)
  })
})

describe('a UNIX socket', () => {
  it('has mode 0660 and is gone afterwards', async () => {
    const path = join(folder, 's')
    const listener = await open(`unix://${path}`)
    expect((await stat(path)).mode & 0o777).toBe(0o660)
    await listener.close()
    await expect(stat(path)).rejects.toThrow()
  })

  it('takes the place of one that nobody listens on, and of no other', async () => {
    const path = join(folder, 's')
    const first = await open(`unix://${path}`)
    await expect(open(`unix://${path}`)).rejects.toMatchObject({ code: 'conflict' })
    await first.close()
    // What a killed process leaves: the name without anybody behind it.
    const left = createServer().listen(join(folder, 'tmp'))
    await new Promise(resolve => left.once('listening', resolve))
    await import('node:fs/promises').then(fs => fs.rename(join(folder, 'tmp'), path))
    await new Promise(resolve => left.close(resolve))
    await open(`unix://${path}`)
  })

  it('does not take the place of a file', async () => {
    const path = join(folder, 's')
    await writeFile(path, 'mine')
    await expect(open(`unix://${path}`)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('with a group that is not there is refused', async () => {
    await expect(open(`unix://${join(folder, 's')}`, { group: 'no-such-group' })).rejects.toThrow(/group no-such-group not found/)
  })
})

describe('TCP', () => {
  it('without client certificates is refused', async () => {
    await expect(open('tcp://127.0.0.1:0')).rejects.toThrow(/needs client certificates/)
  })

  it('without client certificates works where one says so, and says the port', async () => {
    const { address } = await open('tcp://127.0.0.1:0', { withoutAuthentication: true })
    expect(address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/)
    await expect(open(address, { withoutAuthentication: true })).rejects.toMatchObject({ code: 'conflict' })
  })

  it('with files that are not there is refused by their name', async () => {
    const tls = { ca: '/nope/ca', cert: '/nope/cert', key: '/nope/key' }
    await expect(open('tcp://127.0.0.1:0', { tls })).rejects.toThrow(/tls\.ca: .*\/nope\/ca/)
  })
})
