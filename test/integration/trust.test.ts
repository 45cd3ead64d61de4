// Needs: root on Linux, the lab's registry, openssl; for the daemon the docker command.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createEngine, type EngineOptions, type TrustRules } from 'gantry'
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { expectError } from '../conformance/kit/errors.js'
import { collect } from '../conformance/kit/streams.js'
import { type Decide, startFaultyRegistry } from '../lab/faulty-registry.js'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { type Image, makeImage, makeIndex } from '../lab/images/image.js'
import { makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import {
  type Artifact,
  artifactOf,
  bundleArtifact,
  digestOf,
  envelopeBundle,
  envelopeBytes,
  payloadOf,
  referrersIndex,
  signatureLayer,
  statementOf
} from '../lab/signing/artifacts.js'
import { issueCertificate, makeAuthority } from '../lab/signing/authority.js'
import { type KeyPair, makeKeyPair } from '../lab/signing/openssl.js'
import { putArtifact } from '../lab/signing/put-artifact.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined
const registry = lab.registry?.address ?? ''

let folder: string
let keys: KeyPair
let others: KeyPair
let published = 0

/** An image that nobody has seen, in a repository of its own. */
async function publish(content = 'x'): Promise<{ readonly repository: string; readonly image: Image; readonly reference: string }> {
  const repository = `trust-${process.pid}-${published++}`
  const layer = await makeLayer([{ kind: 'file', path: 'file', content: `${repository} ${content}` }])
  const image = makeImage([layer], { settings: { Cmd: ['x'] } })
  await push(registry, `${repository}:latest`, image)
  return { repository, image, reference: `${registry}/${repository}` }
}

/** What `cosign sign --key` does: a signature under the tag of the digest, by default for what is pulled. */
async function sign(
  repository: string,
  digest: string,
  by: KeyPair,
  payload = payloadOf(`${registry}/${repository}`, digest)
): Promise<Artifact> {
  const artifact = artifactOf([signatureLayer(payload, await by.sign(payload))])
  await putArtifact(registry, repository, `${digest.replace(':', '-')}.sig`, artifact)
  return artifact
}

async function storedFiles(): Promise<readonly string[]> {
  const parts = ['content/blobs', 'content/ingest', 'snapshots']
  const found = await Promise.all(
    parts.map(part => readdir(join(folder, 'root', part), { recursive: true, withFileTypes: true }).catch(() => []))
  )
  return found
    .flat()
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}

beforeAll(async () => {
  ;[keys, others] = await Promise.all([makeKeyPair(), makeKeyPair()])
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-trust-'))
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

const options = (trust?: TrustRules): EngineOptions => ({ transport: 'in-process', root: join(folder, 'root'), ...(trust && { trust }) })

describe.skipIf(!runsHere)("signatures of images (needs root, openssl and the lab's registry)", () => {
  it('an image without a signature is refused, nothing of it is fetched, and nothing is left', async () => {
    const { reference, image } = await publish()
    await using watched = await startFaultyRegistry(registry, () => undefined)
    await using engine = await createEngine(options())
    const error = await expectError(
      engine.image(reference.replace(registry, watched.address)).pull({ verify: { keyPem: keys.publicPem } }),
      'untrusted',
      /it is not trusted: looked for a signature by the key [0-9a-f]{16} for sha256:[0-9a-f]{64}; it has no signature/
    )
    expect(error.details).toMatchObject({ digest: image.manifest.digest })
    expect(watched.requests.filter(request => request.includes('/blobs/'))).toEqual([])
    expect(await collect(engine.images())).toEqual([])
    expect(await storedFiles()).toEqual([])
  })

  it('a signature by the key lets it in; one by another key does not', async () => {
    const { repository, reference, image } = await publish()
    await sign(repository, image.manifest.digest, keys)
    await using engine = await createEngine(options())
    await expectError(
      engine.image(reference).pull({ verify: { keyPem: others.publicPem } }),
      'untrusted',
      /found 1 that do not count: under its tag: it is not by that key/
    )
    expect(await storedFiles()).toEqual([])
    const pulled = await engine.image(reference).pull({ verify: { keyPem: keys.publicPem } })
    expect(pulled.digest).toBe(image.manifest.digest)
  })

  it('an image that came in without a signature is refused when one is asked for, whatever the policy of pulls', async () => {
    const { repository, reference, image } = await publish()
    await using engine = await createEngine(options())
    await engine.image(reference).pull()
    const verify = { keyPem: keys.publicPem }
    for (const policy of ['always', 'missing', 'never'] as const) {
      await expectError(engine.image(reference).pull({ policy, verify }), 'untrusted', /it has no signature/)
    }
    await sign(repository, image.manifest.digest, keys)
    for (const policy of ['always', 'missing', 'never'] as const) await engine.image(reference).pull({ policy, verify })
    expect(await collect(engine.images())).toHaveLength(1)
  })

  it('a signature that was moved to another repository does not count', async () => {
    const { repository, reference, image } = await publish()
    await push(registry, `${repository}-copy:latest`, image)
    await sign(`${repository}-copy`, image.manifest.digest, keys, payloadOf(`${registry}/${repository}`, image.manifest.digest))
    await using engine = await createEngine(options())
    await expectError(
      engine.image(`${reference}-copy`).pull({ verify: { keyPem: keys.publicPem } }),
      'untrusted',
      /it is for the repository "127/
    )
  })

  it('a tag that was moved to an unsigned image is refused, the one before is still there by its digest', async () => {
    const { repository, reference, image } = await publish()
    await sign(repository, image.manifest.digest, keys)
    const verify = { keyPem: keys.publicPem }
    await using engine = await createEngine(options())
    await engine.image(reference).pull({ verify })
    const other = makeImage([await makeLayer([{ kind: 'file', path: 'evil', content: repository }])], {})
    await push(registry, `${repository}:latest`, other)
    // Its signature is for the other digest.
    await sign(repository, other.manifest.digest, keys, payloadOf(`${registry}/${repository}`, image.manifest.digest))
    await expectError(engine.image(reference).pull({ verify }), 'untrusted', /it is for "sha256:/)
    await engine.image(`${reference}@${image.manifest.digest}`).pull({ verify })
    // The tag here still names what was let in.
    expect((await engine.image(reference).pull({ verify, policy: 'missing' })).digest).toBe(image.manifest.digest)
  })

  it('of an index it is the index that has to be signed', async () => {
    const { repository, reference, image } = await publish()
    const index = makeIndex([image])
    await push(registry, `${repository}:multi`, index)
    await sign(repository, image.manifest.digest, keys)
    await using engine = await createEngine(options())
    const multi = engine.image(`${reference}:multi`)
    await expectError(
      multi.pull({ verify: { keyPem: keys.publicPem } }),
      'untrusted',
      new RegExp(`for ${index.manifest.digest}; it has no signature`)
    )
    await sign(repository, index.manifest.digest, keys)
    await multi.pull({ verify: { keyPem: keys.publicPem } })
  })

  it('a registry that lies about signatures does not get its image in', async () => {
    const { repository, reference, image } = await publish()
    const signed = await sign(repository, image.manifest.digest, keys)
    const [, payload = ''] = signed.blobs.map(digestOf)
    const lies: readonly (readonly [string, Decide])[] = [
      ['a payload that is damaged', ({ path }) => (path.endsWith(payload) ? { kind: 'corrupt' } : undefined)],
      [
        'the signatures of something else',
        ({ path }) => (path.endsWith('.sig') ? { kind: 'answer', status: 200, body: '{"layers":5}' } : undefined)
      ],
      ['none', ({ path }) => (path.endsWith('.sig') ? { kind: 'answer', status: 404 } : undefined)],
      ['a page', ({ path }) => (path.endsWith('.sig') ? { kind: 'answer', status: 200, body: '<html>' } : undefined)]
    ]
    for (const [lie, decide] of lies) {
      await using liar = await startFaultyRegistry(registry, decide)
      await using engine = await createEngine(options())
      const pull = engine.image(reference.replace(registry, liar.address)).pull({ verify: { keyPem: keys.publicPem } })
      await expect(pull, lie).rejects.toMatchObject({ code: expect.stringMatching(/untrusted|unavailable|data_loss/) })
      expect(await storedFiles(), lie).toEqual([])
    }
  })

  it("the engine's rules hold for every pull, and the most specific one counts", async () => {
    const { repository, reference, image } = await publish()
    const rules: TrustRules = {
      '*': 'reject',
      [registry]: 'reject-unsigned',
      [`${registry}/${repository}`]: { keyPem: keys.publicPem },
      [`${registry}/busybox`]: 'accept'
    }
    await using engine = await createEngine(options(rules))
    await engine.image(lab.images.busybox ?? '').pull()
    await expectError(engine.image(reference).pull(), 'untrusted', /it has no signature/)
    await expectError(engine.image(reference).run(['x']), 'untrusted')
    await expectError(engine.image(`${registry}/${repository}-x`).pull(), 'untrusted', /nothing says whose signature counts/)
    await expectError(engine.image('quay.example/a/b').pull(), 'untrusted', /the engine's rule for \* is to reject it/)
    await sign(repository, image.manifest.digest, keys)
    await engine.image(reference).pull()
    await engine.image(reference).pull({ policy: 'missing' })
    expect(engine.can.trust).toBe(true)
  })

  it('a mirror that has not heard of a signature, or holds it back, gives way to the registry; it can do no more than that', async () => {
    const { repository, reference, image } = await publish()
    const old = await sign(repository, image.manifest.digest, others)
    await sign(repository, image.manifest.digest, keys)
    const headers = { 'content-type': old.mediaType }
    const lies: readonly Decide[] = [
      ({ path }) => (path.endsWith('.sig') ? { kind: 'answer', status: 200, headers, body: old.manifest.toString() } : undefined),
      ({ path }) => (path.endsWith('.sig') ? { kind: 'answer', status: 404 } : undefined)
    ]
    for (const [at, decide] of lies.entries()) {
      await using mirror = await startFaultyRegistry(registry, decide)
      const registries = { [registry]: { mirrors: [`http://${mirror.address}`] } }
      await using engine = await createEngine({ ...options(), root: join(folder, `mirrored-${at}`), registries })
      const pulled = await engine.image(reference).pull({ verify: { keyPem: keys.publicPem } })
      expect(pulled.digest).toBe(image.manifest.digest)
      expect(mirror.requests.some(request => request.includes('/blobs/'))).toBe(true)
      const stranger = await makeKeyPair()
      await expectError(engine.image(reference).pull({ verify: { keyPem: stranger.publicPem } }), 'untrusted', /found \d that do not count/)
    }
  })

  it('rules hold however a registry is spelled, and for an image by its digest; one by its id is here', async () => {
    const { repository, reference, image } = await publish()
    const [host = '', port = ''] = registry.split(':')
    await using named = await createEngine(
      options({ localhost: 'accept', [`LOCALHOST:${port}`]: 'reject', [registry]: { keyPem: keys.publicPem } })
    )
    for (const spelled of ['localhost', 'LocalHost']) {
      await expectError(
        named.image(`${spelled}:${port}/${repository}`).pull(),
        'untrusted',
        /the engine's rule for LOCALHOST:\d+ is to reject it/
      )
    }
    await expectError(named.image(`${host}:${port}/${repository}@${image.manifest.digest}`).pull(), 'untrusted', /it has no signature/)
    await sign(repository, image.manifest.digest, keys)
    const { id } = await named.image(`${reference}@${image.manifest.digest}`).pull()
    for (const policy of ['missing', 'never'] as const) {
      expect((await named.image(id).pull({ policy })).id).toBe(id)
      await expectError(
        named.image(id).pull({ policy, verify: { keyPem: keys.publicPem } }),
        'invalid_argument',
        /name the image by its repository/
      )
    }
  })

  it('rules that cannot be gone by are refused when the engine is made', async () => {
    await expectError(createEngine(options({ 'a b': 'reject' })), 'invalid_argument', /trust\["a b"\]/)
    await expectError(createEngine(options({ '*': { keyPem: 'x' } })), 'invalid_argument', /trust\["\*"\]\.keyPem/)
    await expectError(
      createEngine(options({ '*': { identity: 'a', issuer: 'b' } })),
      'invalid_argument',
      /trustedRoot: .* none is built in/
    )
    await expectError(createEngine({ host: 'unix:///x.sock', trust: { '*': 'reject' } }), 'invalid_argument', /contradict/)
  })

  it('with DOCKER_CONTENT_TRUST unsigned images are refused with the reason', async () => {
    const { repository, reference, image } = await publish()
    process.env.DOCKER_CONTENT_TRUST = '1'
    try {
      {
        await using engine = await createEngine(options())
        await expectError(
          engine.image(reference).pull(),
          'untrusted',
          /DOCKER_CONTENT_TRUST is set.*nothing says whose signature counts|nothing says whose signature counts.*DOCKER_CONTENT_TRUST is set/
        )
      }
      await using engine = await createEngine(options({ [registry]: { keyPem: keys.publicPem } }))
      await expectError(engine.image(reference).pull(), 'untrusted', /it has no signature/)
      await sign(repository, image.manifest.digest, keys)
      await engine.image(reference).pull()
    } finally {
      delete process.env.DOCKER_CONTENT_TRUST
    }
  })

  it('a bundle of an identity lets it in, one of an expired certificate does not', async () => {
    const { repository, reference, image } = await publish()
    const root = await makeAuthority('root')
    const [identity, issuer] = ['dev@example.com', 'https://accounts.example.com']
    const verify = { identity, issuer, trustedRoot: { certificateAuthorities: root.certificatePem } }
    const statement = statementOf(image.manifest.digest)
    const subject = { digest: image.manifest.digest, size: image.manifest.content.length }
    const signWith = async (certificate: Awaited<ReturnType<typeof issueCertificate>>) => {
      const signature = await certificate.keys.sign(envelopeBytes(statement))
      const artifact = bundleArtifact(
        envelopeBundle(statement, signature, { certificate: { rawBytes: certificate.der.toString('base64') } }),
        subject
      )
      await putArtifact(registry, repository, artifact.digest, artifact)
      const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
      await putArtifact(registry, repository, image.manifest.digest.replace(':', '-'), referrersIndex([{ ...artifact, artifactType }]))
    }
    await using engine = await createEngine(options())
    const from = new Date(Date.now() - 7_200_000)
    await signWith(await issueCertificate(root, { name: `email:${identity}`, issuer, from, to: new Date(Date.now() - 3_600_000) }))
    await expectError(engine.image(reference).pull({ verify }), 'untrusted', /has expired/)
    await signWith(await issueCertificate(root, { name: `email:${identity}`, issuer }))
    await engine.image(reference).pull({ verify })
  })

  it.skipIf(lab.dockerd === undefined)('an engine that is not Gantry refuses to check, by name', async () => {
    const { reference } = await publish()
    await using engine = await createEngine({ host: lab.dockerd?.host ?? '' })
    expect(engine.can.trust).toBe(false)
    await expectError(
      engine.image(reference).pull({ verify: 'reject-unsigned' }),
      'not_supported',
      /X-Gantry-Verify is Gantry's own; the engine at unix:/
    )
  })
})

const execute = promisify(execFile)

describe.skipIf(!runsHere)('signatures of images, through gantry daemon (needs root and the docker command)', () => {
  let daemon: GantryDaemon | undefined
  afterEach(async () => {
    await daemon?.stop()
    daemon = undefined
  })
  const docker = (...argv: readonly string[]) =>
    execute('docker', argv, { env: { ...process.env, DOCKER_HOST: daemon?.host, DOCKER_CONFIG: folder } })

  it('the docker command is told why the policy rejects an image, and pulls what it takes; SIGHUP changes it', async () => {
    const { repository, reference, image } = await publish()
    const [file, key] = [join(folder, 'daemon.json'), join(folder, 'key.pub')]
    await writeFile(key, keys.publicPem)
    // With credentials of its own, the docker command looks for no program that keeps some.
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { 'registry.example': { auth: 'YTpi' } } }))
    const config = (rules: object) => writeFile(file, JSON.stringify({ 'trust-policy': rules }))
    await config({ '*': 'reject', [`${registry}/${repository}`]: { keyPem: key } })
    daemon = await startGantryDaemon({ folder, arguments: ['--config-file', file] })
    await expect(docker('pull', `${registry}/nowhere`)).rejects.toMatchObject({
      stderr: expect.stringMatching(/it is not trusted: the engine's rule for \* is to reject it/)
    })
    await expect(docker('run', reference)).rejects.toMatchObject({ stderr: expect.stringMatching(/looked for a signature by the key/) })
    await sign(repository, image.manifest.digest, keys)
    await docker('pull', reference)
    await config({ '*': 'reject' })
    process.kill(daemon.pid, 'SIGHUP')
    await expect
      .poll(() =>
        docker('pull', reference).then(
          () => '',
          (error: { stderr: string }) => error.stderr
        )
      )
      .toMatch(/rule for \* is to reject it/)
  })

  it('a policy of the call travels to it, and comes back as untrusted', async () => {
    const { repository, reference, image } = await publish()
    daemon = await startGantryDaemon({ folder })
    await using engine = await createEngine({ host: daemon.host })
    expect(engine.can.trust).toBe(true)
    const verify = { keyPem: keys.publicPem }
    await expectError(engine.image(reference).pull({ verify }), 'untrusted', /it has no signature/)
    await engine.image(reference).pull()
    await expectError(engine.image(reference).pull({ verify, policy: 'missing' }), 'untrusted', /it has no signature/)
    await sign(repository, image.manifest.digest, keys)
    await engine.image(reference).pull({ verify, policy: 'missing' })
    await engine.image(reference).pull({ verify })
  })

  it.each([
    ['{"*":"maybe"}', /trust-policy/],
    ['{"a b":"reject"}', /trust\["a b"\]/],
    ['{"*":{"keyPem":"/nowhere/key.pub"}}', /\/nowhere\/key\.pub cannot be read/]
  ])('does not start with the policy %s', async (rules, message) => {
    const file = join(folder, 'daemon.json')
    await writeFile(file, `{"trust-policy":${rules}}`)
    await expect(startGantryDaemon({ folder, arguments: ['--config-file', file] })).rejects.toThrow(message)
  })
})
