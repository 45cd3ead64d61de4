// Needs: openssl, for certificates.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createPlainServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ContainerAttach, SystemInfo } from '../../../../src/api/index.js'
import { openHttp } from '../../../../src/transport/http/open-http.js'
import { textOf } from './local-engine.js'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe('tcp', () => {
  it('reaches an engine by host and port, below a path when there is one', async () => {
    const seen: string[] = []
    const server = createPlainServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.setHeader('Api-Version', '1.41').end('{}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const host = `tcp://127.0.0.1:${port}/engines/one`
    const transport = await openHttp({ host })
    expect(transport).toMatchObject({ kind: 'tcp', endpoint: host })
    await transport.call(SystemInfo, {})
    expect(seen).toEqual(['HEAD /engines/one/_ping', 'GET /engines/one/v1.41/info'])
    await transport.close()
    server.close()
  })
})

describe.skipIf(!hasOpenssl)('tcp with TLS (needs openssl)', () => {
  let folder = ''
  let server: Server
  let host = ''
  const pem: Record<'ca' | 'cert' | 'key' | 'serverCert' | 'serverKey', string> = {
    ca: '',
    cert: '',
    key: '',
    serverCert: '',
    serverKey: ''
  }

  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  const issue = async (name: string, extensions: string): Promise<void> => {
    await writeFile(join(folder, `${name}.ext`), extensions)
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`
    )
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`
    )
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-tls-'))
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      '/CN=test authority'
    )
    await issue('server', 'subjectAltName=IP:127.0.0.1')
    await issue('client', 'extendedKeyUsage=clientAuth')
    const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8')
    Object.assign(pem, {
      ca: await read('ca.pem'),
      cert: await read('client.pem'),
      key: await read('client.key'),
      serverCert: await read('server.pem'),
      serverKey: await read('server.key')
    })
    server = createServer(
      { ca: pem.ca, cert: pem.serverCert, key: pem.serverKey, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate()
        response.setHeader('Api-Version', '1.41').end(JSON.stringify({ Name: subject.CN }))
      }
    )
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
      socket.on('data', data => socket.write(data))
      socket.on('end', () => socket.end('bye'))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })

  it('presents the client certificate and trusts the given authority', async () => {
    const { ca, cert, key } = pem
    await using transport = await openHttp({ host, tls: { ca, cert, key } })
    expect(await transport.call(SystemInfo, {})).toEqual({ Name: 'client' })
  })

  it('takes a connection over, half-close included', async () => {
    const { ca, cert, key } = pem
    await using transport = await openHttp({ host, tls: { ca, cert, key } })
    const process = await transport.call(ContainerAttach, { path: { id: 'x' }, query: { stream: true } }, { tty: true })
    await process.write(Buffer.from('hello '))
    await process.closeWrite()
    expect(await textOf(process.output)).toBe('hello bye')
  })

  it('an authority that is not trusted is unavailable, saying what to check, unless verification is off', async () => {
    const { cert, key } = pem
    await expect(openHttp({ host, tls: { cert, key } })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/TLS with tcp:.* failed .*check ca, cert and key/)
    })
    await using transport = await openHttp({ host, tls: { cert, key, verify: false } })
    expect(transport.apiVersion).toBe('1.41')
  })

  it('a certificate for another host is unavailable', async () => {
    const { ca, cert, key } = pem
    await expect(openHttp({ host: host.replace('127.0.0.1', 'localhost'), tls: { ca, cert, key } })).rejects.toMatchObject({
      code: 'unavailable'
    })
  })

  it('without a client certificate it is unavailable', async () => {
    await expect(openHttp({ host, tls: { ca: pem.ca } })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('without TLS it is unavailable', async () => {
    await expect(openHttp({ host })).rejects.toMatchObject({ code: 'unavailable' })
  })
})
