import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createEngine } from 'gantry'
import { startGantryDaemon } from '../lab/gantry-daemon.js'
import { makeImage } from '../lab/images/image.js'
import { makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import type { Lab } from '../lab/lab.js'
import { engineMemory, initOf } from './many.js'

const sharers = 10
const sharedLayers = 8
const layerBytes = 256 * 1024 * 1024
const largeLayers = 4
const sampleMs = 100
const settleMs = 3_000

const execute = promisify(execFile)

/** Ten images that share all layers but one, pulled at once: how often a layer is fetched, as the registry sees it. */
export async function benchShared(lab: Lab): Promise<void> {
  const { registry } = needs(lab)
  const shared = await Promise.all(Array.from({ length: sharedLayers }, (_, index) => layerOf(`shared/${index}`, randomBytes(1024 * 1024))))
  const names = Array.from({ length: sharers }, (_, index) => `bench-shared-${index}`)
  for (const name of names) await push(registry, name, makeImage([...shared, await layerOf(`own/${name}`, randomBytes(1024))]))
  const proxy = await countingProxy(registry)
  const root = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  try {
    await using engine = await createEngine({ transport: 'in-process', root })
    const from = performance.now()
    await Promise.all(names.map(name => engine.image(`${proxy.address}/${name}`).pull()))
    const ms = performance.now() - from
    const counts = shared.map(({ digest }) => proxy.blobs.get(digest) ?? 0)
    console.log(
      `${sharers} images that share ${sharedLayers} layers, pulled at once in ${ms.toFixed(0)} ms: ` +
        `each shared layer was fetched ${Math.min(...counts)} to ${Math.max(...counts)} times (goal: once)\n`
    )
  } finally {
    proxy.close()
    await rm(root, { recursive: true, force: true })
  }
}

/** What the engine's memory grows by at most while it pulls an image of 1 GiB, and dockerd's. */
export async function benchPullMemory(lab: Lab): Promise<void> {
  const { registry, host } = needs(lab)
  const layers = []
  for (let index = 0; index < largeLayers; index++) layers.push(await layerOf(`large/${index}`, randomBytes(layerBytes)))
  await push(registry, 'bench-large', makeImage(layers))
  layers.length = 0
  const reference = `${registry}/bench-large:latest`
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const daemon = await startGantryDaemon({ folder })
  try {
    const ours = await peakWhilePulling(daemon.host, daemon.pid, reference)
    const theirs = await peakWhilePulling(host, await initOf(host), reference)
    const text = (kibibytes: number) => `${(kibibytes / 1024).toFixed(0)} MiB`
    console.log(
      `memory above idle while an image of ${(largeLayers * layerBytes) / 1024 ** 3} GiB is pulled (PSS, the most of all samples): ` +
        `gantry ${text(ours)} (goal: under 150 MB), dockerd ${text(theirs)}\n`
    )
  } finally {
    await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** In KiB. */
async function peakWhilePulling(host: string, engine: number, reference: string): Promise<number> {
  const idle = await engineMemory(engine)
  const docker = (...argv: readonly string[]) => execute('docker', argv, { env: { ...process.env, DOCKER_HOST: host } })
  let pulling = true
  let peak = idle
  const done = docker('pull', '-q', reference).finally(() => {
    pulling = false
  })
  done.catch(() => undefined)
  while (pulling) {
    peak = Math.max(peak, await engineMemory(engine))
    await sleep(sampleMs)
  }
  await done
  await docker('rmi', '-f', reference)
  await sleep(settleMs)
  return peak - idle
}

/** A layer with one file of bytes that do not compress. */
function layerOf(path: string, content: Uint8Array) {
  return makeLayer([{ path, kind: 'file', content }])
}

/** Hands everything on to a registry, and counts what is asked of each blob. */
async function countingProxy(registry: string) {
  const blobs = new Map<string, number>()
  const server = createServer((incoming: IncomingMessage, answer: ServerResponse) => {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(incoming.url ?? '')?.[1]
    if (digest !== undefined && incoming.method === 'GET') blobs.set(digest, (blobs.get(digest) ?? 0) + 1)
    const onward = request(`http://${registry}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, response => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    address: `127.0.0.1:${address.port}`,
    blobs,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

function needs(lab: Lab): { readonly registry: string; readonly host: string } {
  const registry = lab.registry?.address
  const host = lab.dockerd?.host
  if (registry === undefined || host === undefined) throw new Error('the bench needs the registry and dockerd')
  return { registry, host }
}
