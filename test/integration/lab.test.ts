// Needs: root, and what test/lab/parts.ts lists (installed by the lab where apt-get is there).
import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, inject, it } from 'vitest'

const lab = inject('lab')
const manifestTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json'
]

describe('the test lab', () => {
  it.skipIf(lab.registry === undefined)(
    'has a registry with an image for each name (needs docker-registry and busybox-static)',
    async () => {
      for (const [name, reference] of Object.entries(lab.images)) {
        const response = await fetch(`http://${lab.registry?.address}/v2/${name}/manifests/latest`, {
          method: 'HEAD',
          headers: { accept: manifestTypes.join(',') }
        })
        expect(response.status, reference).toBe(200)
      }
      expect(Object.keys(lab.images)).toContain('busybox')
    }
  )

  it.skipIf(lab.dockerd === undefined)('has a dockerd that answers and pulls from that registry (needs root and docker.io)', async () => {
    const socketPath = (lab.dockerd?.host ?? '').replace('unix://', '')
    const version = await call(socketPath, 'GET', '/version')
    expect(JSON.parse(version.body)).toMatchObject({ ApiVersion: '1.41' })
    const image = encodeURIComponent(lab.images.busybox ?? '')
    const pulled = await call(socketPath, 'POST', `/images/create?fromImage=${image}`)
    expect(pulled.body).toContain(lab.digests.busybox)
  })

  it.skipIf(lab.world === undefined)('has a world outside that sees this machine by its own address (needs root)', async () => {
    expect(await readAll(lab.world?.address ?? '', lab.world?.port ?? 0)).toBe(`${lab.world?.hostAddress}\n`)
  })
})

function call(socketPath: string, method: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, response => {
      let body = ''
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

function readAll(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host, port })
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}
