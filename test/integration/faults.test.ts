// Needs: root on Linux and the lab's registry (test/lab).
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine, type EngineEvent, type EngineOptions, type ErrorCode } from 'gantry'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { expectError, rejection } from '../conformance/kit/errors.js'
import { publish } from '../conformance/kit/publish.js'
import { collect, eventually } from '../conformance/kit/streams.js'
import { type Decide, type FaultyRegistry, startFaultyRegistry } from '../lab/faulty-registry.js'
import { makeImage } from '../lab/images/image.js'
import { digestOf, type Layer, makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { type HostSnapshot, leftovers, leftoversSince, snapshotHost } from '../lab/leftovers.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.images.busybox !== undefined
const upstream = lab.registry?.address ?? ''

let folder: string
let before: HostSnapshot

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-faults-'))
  before = await snapshotHost({ roots: [join(folder, 'root')] })
})

afterEach(async () => {
  const left = await leftoversSince(before, { roots: [join(folder, 'root')] })
  // A test that failed half-way must not leave the next ones a bridge: an engine sweeps what dead ones left.
  if (left.length > 0) await (await createEngine(options())).close()
  await rm(folder, { recursive: true, force: true })
  expect(left).toEqual([])
})

const options = (more: EngineOptions = {}): EngineOptions => ({ transport: 'in-process', root: join(folder, 'root'), ...more })

/** Run with an engine on a registry that spoils what `decide` says. */
async function withFaults(
  decide: Decide,
  action: (parts: { readonly engine: Engine; readonly registry: FaultyRegistry }) => Promise<void>,
  more: EngineOptions = {}
): Promise<void> {
  await using registry = await startFaultyRegistry(upstream, decide)
  await using engine = await createEngine(options(more))
  await action({ engine, registry })
}

/** Regular files of the data root, less the metadata store's own: what a failed pull must not add to. */
async function filesOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter(entry => entry.isFile() && !entry.name.startsWith('metadata.lmdb'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

async function expectNothingHere(engine: Engine): Promise<void> {
  expect(await collect(engine.images())).toEqual([])
  expect(await collect(engine.containers({ all: true }))).toEqual([])
  expect(await filesOf(join(folder, 'root'))).toEqual([])
}

const on =
  (kind: 'ping' | 'manifest' | 'blob', fault: ReturnType<Decide>): Decide =>
  request =>
    request.kind === kind ? fault : undefined

const html = { 'content-type': 'text/html' }

/** What a registry does, the code that the pull fails with, and what its message has to say. */
const faults: Readonly<Record<string, readonly [decide: Decide, code: ErrorCode | readonly ErrorCode[], message: RegExp]>> = {
  'answers 401 and no way to log in': [() => ({ kind: 'answer', status: 401 }), 'unauthenticated', /127\.0\.0\.1/],
  'answers 401 and wants a password': [
    () => ({ kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="lab"' } }),
    'unauthenticated',
    /127\.0\.0\.1/
  ],
  'answers 403': [on('manifest', { kind: 'answer', status: 403 }), 'permission_denied', /busybox/],
  'answers 404': [on('manifest', { kind: 'answer', status: 404 }), 'not_found', /busybox/],
  'answers 429': [
    on('manifest', { kind: 'answer', status: 429, headers: { 'retry-after': '3600' } }),
    'resource_exhausted',
    /429|too many|limit/i
  ],
  'answers 500': [on('manifest', { kind: 'answer', status: 500, body: 'oops' }), 'unavailable', /500/],
  'answers 500 for blobs': [on('blob', { kind: 'answer', status: 500 }), 'unavailable', /500/],
  'answers 404 for blobs': [on('blob', { kind: 'answer', status: 404 }), ['not_found', 'data_loss'], /sha256:/],
  'answers with a web page': [
    () => ({ kind: 'answer', status: 200, headers: html, body: '<html>hello</html>' }),
    ['unavailable', 'data_loss', 'failed'],
    /html/i
  ],
  'answers with a web page for the manifest': [
    on('manifest', { kind: 'answer', status: 200, headers: html, body: '<html>log in</html>' }),
    ['unavailable', 'data_loss', 'failed'],
    /html|manifest/i
  ],
  'answers with a web page for a blob': [
    on('blob', { kind: 'answer', status: 200, headers: html, body: '<html>log in</html>' }),
    ['unavailable', 'data_loss', 'failed'],
    /sha256:|html/i
  ],
  'answers with a manifest of another kind': [
    on('manifest', { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"hello": 1}' }),
    ['data_loss', 'failed', 'not_supported', 'unavailable'],
    /not a container image/
  ],
  'drops the connection': [() => ({ kind: 'reset' }), 'unavailable', /127\.0\.0\.1/],
  'cuts blobs short': [on('blob', { kind: 'truncate' }), ['unavailable', 'data_loss'], /sha256:/],
  'corrupts blobs': [on('blob', { kind: 'corrupt' }), 'data_loss', /sha256:/]
}

describe.skipIf(!runsHere)("a registry that fails (needs root and the lab's registry)", () => {
  for (const [what, [decide, code, message]] of Object.entries(faults)) {
    it(`a registry that ${what}: the pull is ${[code].flat().join(' or ')}, and nothing is left`, async () => {
      await withFaults(decide, async ({ engine, registry }) => {
        await expectError(engine.image(`${registry.address}/busybox:latest`).pull(), code, message)
        await expectNothingHere(engine)
      })
    })
  }

  it('a registry that is down: unavailable, with its address, and nothing is left', async () => {
    await using engine = await createEngine(options())
    await expectError(engine.image('127.0.0.1:1/busybox:latest').pull(), 'unavailable', /127\.0\.0\.1:1/)
    await expectNothingHere(engine)
  })

  it('a host that does not exist: unavailable, with its name', async () => {
    await using engine = await createEngine(options())
    await expectError(engine.image('registry.invalid/busybox:latest').pull(), 'unavailable', /registry\.invalid/)
  })

  for (const kind of ['ping', 'manifest', 'blob'] as const) {
    it(`a registry that says nothing to a ${kind} request: the caller's timeout ends the pull, and nothing is left`, async () => {
      await withFaults(
        request => (request.kind === kind || kind === 'ping' ? { kind: 'silence' } : undefined),
        async ({ engine, registry }) => {
          await expectError(engine.image(`${registry.address}/busybox:latest`).pull({ timeout: '2s' }), 'deadline_exceeded')
          await expectNothingHere(engine)
        }
      )
    })
  }

  it('a registry that stalls in the middle of a blob: an abort rejects with its reason, and nothing is left', async () => {
    await withFaults(on('blob', { kind: 'stall' }), async ({ engine, registry }) => {
      const controller = new AbortController()
      const reason = new Error('too slow')
      const pull = engine.image(`${registry.address}/busybox:latest`).pull({ signal: controller.signal })
      await eventually(async () => registry.requests.some(request => request.includes('/blobs/')))
      setTimeout(() => controller.abort(reason), 300)
      expect(await rejection(pull)).toBe(reason)
      await expectNothingHere(engine)
    })
  })

  it('a registry that is slow: the pull goes on as long as bytes come', async () => {
    await withFaults(on('blob', { kind: 'trickle', pieces: 20, pauseMs: 100 }), async ({ engine, registry }) => {
      const image = await engine.image(`${registry.address}/busybox:latest`).pull()
      expect(await image.run(['echo', 'slow but here']).text()).toBe('slow but here\n')
    })
  })

  it('after a failure, the same engine pulls the same image', async () => {
    let broken = true
    await withFaults(
      request => (broken && request.kind === 'blob' ? { kind: 'corrupt' } : undefined),
      async ({ engine, registry }) => {
        const spec = engine.image(`${registry.address}/busybox:latest`)
        await expectError(spec.pull(), 'data_loss')
        broken = false
        expect(await spec.run(['echo', 'whole']).text()).toBe('whole\n')
      }
    )
  })

  it('a manifest that is not the one asked for by digest: data_loss', async () => {
    const body = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: {}, layers: [] })
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    await withFaults(on('manifest', { kind: 'answer', status: 200, headers, body }), async ({ engine, registry }) => {
      const digest = lab.digests.busybox ?? ''
      await expectError(engine.image(`${registry.address}/busybox@${digest}`).pull(), 'data_loss', new RegExp(digest))
      await expectNothingHere(engine)
    })
  })

  it('a password is sent to the registry it is for, and is in no message', async () => {
    const expected = `Basic ${Buffer.from('user:s3cret').toString('base64')}`
    const decide: Decide = ({ authorization }) =>
      authorization === expected ? undefined : { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="lab"' } }
    await withFaults(decide, async ({ engine, registry }) => {
      const spec = engine.image(`${registry.address}/busybox:latest`)
      const error = await expectError(spec.pull({ auth: { username: 'user', password: 'wr0ng' } }), 'unauthenticated')
      expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toMatch(/wr0ng|Basic [A-Za-z0-9]/)
      expect((await spec.pull({ auth: { username: 'user', password: 's3cret' } })).tags).toEqual([spec.reference])
    })
  })

  it('a registry that wants a token gets one, without a login', async () => {
    let address = ''
    const decide: Decide = ({ path, authorization }) => {
      if (path.startsWith('/token'))
        return { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"token": "abc"}' }
      const challenge = `Bearer realm="http://${address}/token",service="lab",scope="repository:busybox:pull"`
      return authorization === 'Bearer abc' ? undefined : { kind: 'answer', status: 401, headers: { 'www-authenticate': challenge } }
    }
    await withFaults(decide, async ({ engine, registry }) => {
      address = registry.address
      expect((await engine.image(`${registry.address}/busybox:latest`).pull()).tags).toHaveLength(1)
      expect(registry.requests.find(request => request.includes('/token'))).toMatch(/scope=repository(%3A|:)busybox(%3A|:)pull/)
    })
  })

  it('tokens that end in the middle of a pull are fetched again, also for the rest of a layer; only the token service sees the password', async () => {
    const layers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => makeLayer([{ kind: 'file', path: 'file', content: randomBytes(100_000).toString('hex') }]))
    )
    const image = makeImage(layers, { settings: { Cmd: ['x'] } })
    await push(upstream, 'tokens:latest', image)
    const login = `Basic ${Buffer.from('user:s3cret').toString('base64')}`
    /** How often each token may still be shown. */
    const tokens = new Map<string, number>()
    const seen: string[] = []
    let address = ''
    let cuts = 0
    const decide: Decide = ({ path, authorization = '' }) => {
      if (path.startsWith('/token')) {
        if (authorization !== login) return { kind: 'answer', status: 401 }
        const token = `token-${tokens.size}`
        tokens.set(`Bearer ${token}`, 3)
        return { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) }
      }
      seen.push(authorization)
      const left = tokens.get(authorization) ?? 0
      if (left === 0) {
        const challenge = `Bearer realm="http://${address}/token",service="lab",scope="repository:tokens:pull",error="invalid_token"`
        return { kind: 'answer', status: 401, headers: { 'www-authenticate': challenge } }
      }
      tokens.set(authorization, left - 1)
      if (!path.endsWith(layers[0]?.digest ?? '') || cuts > 0) return undefined
      cuts++
      // It is cut, and nobody's token is good any more when the rest of it is asked for.
      for (const token of tokens.keys()) tokens.set(token, 0)
      return { kind: 'truncate' }
    }
    await withFaults(decide, async ({ engine, registry }) => {
      address = registry.address
      const pulled = await engine.image(`${address}/tokens:latest`).pull({ auth: { username: 'user', password: 's3cret' } })
      expect(pulled.id).toBe(image.config.digest)
    })
    expect(cuts).toBe(1)
    expect(tokens.size).toBeGreaterThan(2)
    expect(seen.filter(authorization => authorization !== '' && !authorization.startsWith('Bearer token-'))).toEqual([])
  })

  it('a registry that is busy, or in trouble for a moment, is asked again', async () => {
    const asked = new Map<string, number>()
    const decide: Decide = ({ path, kind }) => {
      const times = (asked.get(path) ?? 0) + 1
      asked.set(path, times)
      if (kind === 'manifest' && times < 3) return { kind: 'answer', status: 503 }
      return kind === 'blob' && times === 1 ? { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } : undefined
    }
    await withFaults(decide, async ({ engine, registry }) => {
      await engine.image(`${registry.address}/busybox:latest`).pull()
    })
    expect([...asked].filter(([path]) => path.includes('/blobs/')).map(([, times]) => times)).toEqual([2, 2])
    expect(asked.get('/v2/busybox/manifests/latest')).toBe(3)
  })

  it('a mirror is asked first, and the registry itself when the mirror fails', async () => {
    await using mirror = await startFaultyRegistry(upstream, () => ({ kind: 'answer', status: 503 }))
    await using good = await startFaultyRegistry(upstream, () => undefined)
    await using engine = await createEngine(options({ registries: { [good.address]: { mirrors: [`http://${mirror.address}`] } } }))
    const image = await engine.image(`${good.address}/busybox:latest`).pull()
    expect(image.tags).toEqual([`${good.address}/busybox:latest`])
    expect([mirror.requests.length > 0, good.requests.length > 0]).toEqual([true, true])
  })

  it('a layer that is not what its image says (diff ID): data_loss, and nothing is left', async () => {
    const layer = await makeLayer([{ kind: 'file', path: 'file', content: 'content' }])
    const lying: Layer = { ...layer, diffId: digestOf('something else') }
    const digest = await push(upstream, 'lying:latest', makeImage([lying], { settings: { Cmd: ['x'] } }))
    await using engine = await createEngine(options())
    await expectError(engine.image(`${upstream}/lying@${digest}`).pull(), 'data_loss', /sha256:/)
    await expectNothingHere(engine)
  })

  it('a layer that is no archive: data_loss, and nothing is left', async () => {
    const blob = Buffer.from('this is no archive at all')
    const garbage: Layer = { blob, digest: digestOf(blob), diffId: digestOf(blob) }
    await push(upstream, 'garbage:latest', makeImage([garbage]))
    await using engine = await createEngine(options())
    await expectError(engine.image(`${upstream}/garbage:latest`).pull(), ['data_loss', 'invalid_argument', 'failed'])
    await expectNothingHere(engine)
  })
})

/** A program in a process of its own that runs a container, says each event on a line, and waits. */
class Runner {
  readonly child: ChildProcess
  readonly events: string[] = []

  constructor(engineOptions: EngineOptions, reference: string) {
    const program = `
      import { createEngine } from 'gantry'
      const engine = await createEngine(${JSON.stringify(engineOptions)})
      const say = event => console.log(event.type + (event.phase ? ' ' + event.phase : ''))
      const types = ['container.created', 'container.layered', 'container.networked', 'container.started']
      for (const type of types) engine.on(type, say)
      const pull = engine.image(${JSON.stringify(reference)}).pull()
      for await (const event of pull) say(event)
      const image = await pull
      const process_ = image.run(['sh', '-c', 'echo running; sleep 1000'])
      for await (const output of process_) console.log('output ' + output.text.trim())
    `
    this.child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit']
    })
    if (this.child.stdout) createInterface({ input: this.child.stdout }).on('line', line => this.events.push(line))
  }

  /** SIGKILL as soon as it has said this. */
  async killAt(line: string): Promise<void> {
    const exited = new Promise(resolve => this.child.once('close', resolve))
    await eventually(async () => this.events.includes(line) || this.events.includes('output running') || this.child.exitCode !== null)
    this.child.kill('SIGKILL')
    await exited
  }
}

/** Where the process is killed; the registry lets that take a while. */
const moments: Readonly<Record<string, readonly [line: string, decide: Decide]>> = {
  'in the middle of a download': ['image.pull.progress downloading', on('blob', { kind: 'trickle', pieces: 40, pauseMs: 50 })],
  'while it unpacks': ['image.pull.progress unpacking', () => undefined],
  'when the image is there': ['image.pulled', () => undefined],
  'when the container is made': ['container.created', () => undefined],
  'when the container has its network': ['container.networked', () => undefined],
  'while the container runs': ['output running', () => undefined]
}

describe.skipIf(!runsHere)("a process that is killed with SIGKILL (needs root and the lab's registry)", () => {
  for (const [when, [line, decide]] of Object.entries(moments)) {
    it(`${when}: the next engine opens clean, finishes the same work, and nothing is left`, async () => {
      await using registry = await startFaultyRegistry(upstream, decide)
      // Large enough that unpacking is caught in the act.
      const large = Array.from(
        { length: 400 },
        (_, index) => ({ kind: 'file', path: `file-${index}`, content: randomBytes(50_000) }) as const
      )
      const reference = (await publish(lab, { entries: large })).replace(upstream, registry.address)
      const runner = new Runner(options(), reference)
      await runner.killAt(line)
      const engine = await createEngine(options())
      try {
        const process = engine.image(reference).run(['sh', '-c', 'ls / | grep -c file-'])
        const events: EngineEvent['type'][] = []
        engine.on('container.started', event => events.push(event.type))
        expect((await process).stdout).toBe('400\n')
        // What the killed process made for itself is not there for ever.
        const own = await process.id
        await eventually(async () => (await collect(engine.containers({ all: true }))).every(container => container.id === own))
      } finally {
        await engine.close()
      }
    })
  }
})

describe.skipIf(!runsHere)("a killed process's session (needs root and the lab's registry)", () => {
  it('ends with it: the container and what it is made of go without another engine', async () => {
    const runner = new Runner(options(), lab.images.busybox ?? '')
    await runner.killAt('output running')
    await eventually(async () => {
      const left = leftovers(before, await snapshotHost({ roots: [join(folder, 'root')] }))
      return !left.some(line => line.startsWith('process:') || /^cgroup: .*[0-9a-f]{64}$/.test(line))
    })
    // The bridge stays for the next engine on this data root, which takes it away when it closes.
    await (await createEngine(options())).close()
  })
})

describe.skipIf(!runsHere || lab.images.layers127 === undefined)("an image of 127 layers (needs root and the lab's registry)", () => {
  it('runs', async () => {
    await using engine = await createEngine(options())
    expect(
      await engine
        .image(lab.images.layers127 ?? '')
        .run(['sh', '-c', 'ls /layers | wc -l'])
        .text()
    ).toBe('126\n')
  })
})

describe.skipIf(!runsHere)("fifty containers at once (needs root and the lab's registry)", () => {
  it('all run, and nothing of them is left', async () => {
    await using engine = await createEngine(options())
    await engine.image(lab.images.busybox ?? '').pull()
    const numbers = Array.from({ length: 50 }, (_, number) => number)
    const texts = await Promise.all(
      numbers.map(number =>
        engine
          .image(lab.images.busybox ?? '')
          .run(['echo', String(number)], { remove: true })
          .text()
      )
    )
    expect(texts).toEqual(numbers.map(number => `${number}\n`))
    expect(await collect(engine.containers({ all: true }))).toEqual([])
  })
})
