// Needs: root on Linux, the lab's registry, openssl; some the docker command, some Debian's skopeo.
import { execFile } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createEngine, type Engine, type EngineOptions, type SignOptions } from 'gantry'
import { ImageSign } from 'gantry/api'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { expectError } from '../conformance/kit/errors.js'
import { startFaultyRegistry } from '../lab/faulty-registry.js'
import { startGantryDaemon } from '../lab/gantry-daemon.js'
import { type Image, makeImage, makeIndex } from '../lab/images/image.js'
import { makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { findParts } from '../lab/parts.js'
import { artifactOf, bundleType, digestOf, envelopeBytes, payloadOf, statementOf } from '../lab/signing/artifacts.js'
import { cosignKeyPem } from '../lab/signing/cosign-key.js'
import { type KeyPair, makeKeyPair, openssl } from '../lab/signing/openssl.js'
import { putArtifact } from '../lab/signing/put-artifact.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined
const registry = lab.registry?.address ?? ''
const execute = promisify(execFile)

let folder: string
let engine: Engine
let keys: KeyPair
let others: KeyPair
let published = 0

interface Published {
  readonly repository: string
  readonly image: Image
  readonly reference: string
  readonly tag: string
}

/** An image that nobody has seen, in a repository of its own; and the tag that its signatures stand under. */
async function publish(address = registry): Promise<Published> {
  const repository = `sign-${process.pid}-${published++}`
  const image = makeImage([await makeLayer([{ kind: 'file', path: 'file', content: repository }])], { settings: { Cmd: ['x'] } })
  await push(address, `${repository}:latest`, image)
  return { repository, image, reference: `${address}/${repository}`, tag: `${image.manifest.digest.replace(':', '-')}.sig` }
}

interface SignatureManifest {
  readonly mediaType: string
  readonly config: { readonly mediaType: string; readonly digest: string }
  readonly layers: readonly {
    readonly mediaType: string
    readonly digest: string
    readonly annotations: Readonly<Record<string, string>>
  }[]
  readonly subject?: { readonly digest: string }
}

/** Of the registry that has users; the other one does not look. */
const authorization = `Basic ${Buffer.from('me:hunter2').toString('base64')}`
const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json'

async function fetched(repository: string, path: string, address = registry): Promise<Buffer> {
  const answer = await fetch(`http://${address}/v2/${repository}/${path}`, { headers: { accept, authorization } })
  expect(answer.status, path).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

async function manifestAt(repository: string, target: string, address = registry): Promise<SignatureManifest> {
  return JSON.parse((await fetched(repository, `manifests/${target}`, address)).toString())
}

/** Rejects where openssl says that a signature is not by the key. */
async function checkWithOpenssl(repository: string, { layers }: SignatureManifest, { publicPem }: KeyPair, at = 0): Promise<Buffer> {
  const layer = layers[at]
  const payload = await fetched(repository, `blobs/${layer?.digest}`)
  const signature = Buffer.from(layer?.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64')
  await verifyWithOpenssl(publicPem, payload, signature)
  return payload
}

async function verifyWithOpenssl(publicPem: string, data: Buffer, sig: Buffer): Promise<void> {
  await openssl({ 'pub.pem': publicPem, data, sig }, 'sig', ['dgst', '-sha256', '-verify', 'pub.pem', '-signature', 'sig', 'data'])
}

async function forget(repository: string, tag: string): Promise<void> {
  const digest = digestOf(await fetched(repository, `manifests/${tag}`))
  expect((await fetch(`http://${registry}/v2/${repository}/manifests/${digest}`, { method: 'DELETE' })).status).toBe(202)
}

const options = (): EngineOptions => ({ transport: 'in-process', root: join(folder, 'root') })
const sign = (reference: string, by: KeyPair, more: Partial<SignOptions> = {}) =>
  engine.image(reference).sign({ keyPem: by.privatePem, ...more })
const pull = (reference: string, by: KeyPair) => engine.image(reference).pull({ verify: { keyPem: by.publicPem } })

describe.skipIf(!runsHere)("image.sign (needs root, openssl and the lab's registry)", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-sign-'))
    ;[keys, others] = await Promise.all([makeKeyPair(), makeKeyPair()])
    engine = await createEngine(options())
  })
  afterAll(async () => {
    await engine?.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  })

  it("writes what cosign writes under cosign's tag: openssl takes the signature, and a pull that asks for it", async () => {
    const { repository, image, reference, tag } = await publish()
    await expectError(pull(reference, keys), 'untrusted', /it has no signature/)
    const signed = await sign(reference, keys)
    expect(signed).toEqual({
      digest: image.manifest.digest,
      publicKeyPem: keys.publicPem,
      signatures: [{ storage: 'tag', reference: `${reference}:${tag}`, added: true }]
    })
    const manifest = await manifestAt(repository, tag)
    const payload = await checkWithOpenssl(repository, manifest, keys)
    expect(payload.equals(payloadOf(reference, image.manifest.digest))).toBe(true)
    await expect(checkWithOpenssl(repository, manifest, others)).rejects.toThrow()
    expect(manifest).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', size: expect.any(Number), digest: expect.any(String) },
      layers: [
        {
          mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
          size: payload.length,
          digest: digestOf(payload),
          annotations: { 'dev.cosignproject.cosign/signature': expect.any(String) }
        }
      ]
    })
    const config = await fetched(repository, `blobs/${manifest.config.digest}`)
    const none = '0001-01-01T00:00:00Z'
    expect(config.toString()).toBe(
      `{"architecture":"","created":"${none}","history":[{"created":"${none}"}],"os":"","rootfs":{"type":"layers","diff_ids":["${digestOf(payload)}"]},"config":{}}`
    )
    expect((await pull(reference, keys)).digest).toBe(image.manifest.digest)
    await expectError(pull(reference, others), 'untrusted', /it is not by that key/)
  })

  it('leaves the signatures of others as they are, and signs nothing twice', async () => {
    const { repository, reference, tag } = await publish()
    await sign(reference, others, { annotations: { stage: 'test', build: '7' } })
    const before = await manifestAt(repository, tag)
    await sign(reference, keys)
    const after = await manifestAt(repository, tag)
    expect(after.layers).toHaveLength(2)
    expect(after.layers[0]).toEqual(before.layers[0])
    const payload = await checkWithOpenssl(repository, after, others)
    expect(JSON.parse(payload.toString()).optional).toEqual({ build: '7', stage: 'test' })
    await checkWithOpenssl(repository, after, keys, 1)
    const config = JSON.parse((await fetched(repository, `blobs/${after.config.digest}`)).toString())
    expect(config.rootfs.diff_ids).toEqual(after.layers.map(({ digest }) => digest))
    expect(config.history).toHaveLength(2)
    for (const by of [keys, others]) await pull(reference, by)
    expect((await sign(reference, keys)).signatures).toMatchObject([{ added: false }])
    expect(await manifestAt(repository, tag)).toEqual(after)
  })

  it('several signers at once all get theirs in', async () => {
    const { repository, reference, tag } = await publish()
    await Promise.all([sign(reference, keys), sign(reference, others)])
    expect((await manifestAt(repository, tag)).layers).toHaveLength(2)
    for (const by of [keys, others]) await pull(reference, by)
  })

  it('as a referrer it is noted under a tag where the registry keeps no lists', async () => {
    const { repository, image, reference } = await publish()
    const { signatures } = await sign(reference, keys, { storage: 'referrers' })
    expect(signatures).toEqual([{ storage: 'referrers', reference: expect.stringMatching(/@sha256:[0-9a-f]{64}$/), added: true }])
    const digest = signatures[0]?.reference.split('@')[1] ?? ''
    const manifest = await manifestAt(repository, digest)
    const artifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
    expect(manifest).toMatchObject({ config: { mediaType: artifactType }, subject: { digest: image.manifest.digest } })
    const list = JSON.parse((await fetched(repository, `manifests/${image.manifest.digest.replace(':', '-')}`)).toString())
    expect(list.manifests).toMatchObject([{ digest, artifactType }])
    await checkWithOpenssl(repository, manifest, keys)
    await pull(reference, keys)
    expect((await sign(reference, keys, { storage: 'referrers' })).signatures).toMatchObject([{ added: false }])
    expect((await sign(reference, keys, { storage: 'both' })).signatures).toMatchObject([
      { storage: 'tag', added: true },
      { storage: 'referrers', added: false }
    ])
  })

  it("as a referrer it is in the list of a registry that keeps one, whose users' credentials it needs", async () => {
    const { image } = await publish()
    const storage = join(folder, 'registry')
    {
      // Filled while it asks nobody: the lab's own push has no credentials.
      await using open = await engine.registry({ storage })
      await push(open.address, 'signed:latest', image)
    }
    await using server = await engine.registry({ storage, auth: { me: 'hunter2' }, anonymousPull: true })
    const reference = `${server.address}/signed`
    await expectError(sign(reference, keys, { storage: 'referrers' }), ['unauthenticated', 'permission_denied'])
    await expectError(pull(reference, keys), 'untrusted')
    await sign(reference, keys, { storage: 'referrers', auth: { username: 'me', password: 'hunter2' } })
    const { manifests } = JSON.parse((await fetched('signed', `referrers/${image.manifest.digest}`, server.address)).toString())
    expect(manifests).toMatchObject([{ artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json' }])
    await pull(reference, keys)
  })

  it('a bundle is a referrer as cosign writes it since version 3: openssl takes its signature, and a pull that asks for it', async () => {
    const { repository, image, reference } = await publish()
    const { signatures } = await sign(reference, keys, { format: 'bundle', annotations: { stage: 'test' } })
    expect(signatures).toMatchObject([{ storage: 'referrers', added: true }])
    const target = signatures[0]?.reference.split('@')[1] ?? ''
    const manifest = await manifestAt(repository, target)
    expect(manifest).toMatchObject({
      artifactType: bundleType,
      config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2, digest: digestOf(Buffer.from('{}')) },
      layers: [{ mediaType: bundleType }],
      subject: { mediaType: image.manifest.mediaType, digest: image.manifest.digest, size: image.manifest.content.length },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1'
      }
    })
    const bundle = JSON.parse((await fetched(repository, `blobs/${manifest.layers[0]?.digest}`)).toString())
    const der = createPublicKey(keys.publicPem).export({ type: 'spki', format: 'der' })
    expect(bundle).toMatchObject({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint: createHash('sha256').update(der).digest('base64') } },
      dsseEnvelope: { payloadType: 'application/vnd.in-toto+json' }
    })
    const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64')
    expect(JSON.parse(payload.toString())).toEqual({
      ...JSON.parse(statementOf(image.manifest.digest).toString()),
      subject: [{ digest: { sha256: image.manifest.digest.replace('sha256:', '') }, annotations: { stage: 'test' } }]
    })
    await verifyWithOpenssl(keys.publicPem, envelopeBytes(payload), Buffer.from(bundle.dsseEnvelope.signatures[0].sig, 'base64'))
    expect((await pull(reference, keys)).digest).toBe(image.manifest.digest)
    await expectError(pull(reference, others), 'untrusted', /it is not by that key/)
    expect((await sign(reference, keys, { format: 'bundle', annotations: { stage: 'test' } })).signatures).toEqual([
      { storage: 'referrers', reference: `${reference}@${target}`, added: false }
    ])
    expect((await sign(reference, others, { format: 'bundle' })).signatures).toMatchObject([{ added: true }])
    await pull(reference, others)
    await expectError(sign(reference, keys, { format: 'bundle', storage: 'both' }), 'invalid_argument', /a bundle is always a referrer/)
  })

  it('of an index signs the index, and by digest what the digest is of', async () => {
    const { repository, image, reference } = await publish()
    const index = makeIndex([image])
    await push(registry, `${repository}:multi`, index)
    expect((await sign(`${reference}:multi`, keys)).digest).toBe(index.manifest.digest)
    await pull(`${reference}:multi`, keys)
    await expectError(pull(reference, keys), 'untrusted')
    expect((await sign(`${reference}@${image.manifest.digest}`, keys)).digest).toBe(image.manifest.digest)
    await pull(reference, keys)
  })

  it('an image that is here is signed only where the registry has it under the name', async () => {
    const { repository, image, reference } = await publish()
    const pulled = await engine.image(reference).pull()
    const other = makeImage([await makeLayer([{ kind: 'file', path: 'other', content: repository }])], {})
    await push(registry, `${repository}:latest`, other)
    const moved = new RegExp(`its registry has ${other.manifest.digest} under this name, and this image is ${image.manifest.digest}`)
    await expectError(pulled.sign({ keyPem: keys.privatePem }), 'conflict', moved)
    await push(registry, `${repository}:latest`, image)
    expect((await pulled.sign({ keyPem: keys.privatePem })).digest).toBe(image.manifest.digest)
    const elsewhere = await pulled.tag(`${registry}/${repository}-other:1`)
    await expectError(elsewhere.sign({ keyPem: keys.privatePem }), 'not_found')
    await push(registry, `${repository}-other:1`, other)
    await expectError(elsewhere.sign({ keyPem: keys.privatePem }), 'conflict', /not known to be this image: push it first/)
  })

  it("signs what the registry itself has: a mirror's word is not asked for", async () => {
    const { image, reference } = await publish()
    await using mirror = await startFaultyRegistry(registry, () => undefined)
    const registries = { [registry]: { mirrors: [`http://${mirror.address}`] } }
    await using mirrored = await createEngine({ ...options(), registries })
    const { digest } = await mirrored.image(reference).sign({ keyPem: keys.privatePem, storage: 'both' })
    expect(digest).toBe(image.manifest.digest)
    expect(mirror.requests).toEqual([])
    await pull(reference, keys)
  })

  it('what cannot be signed is refused, and nothing is written', async () => {
    const { repository, image, reference, tag } = await publish()
    await using watched = await startFaultyRegistry(registry, () => undefined)
    const through = reference.replace(registry, watched.address)
    const encrypted = cosignKeyPem(keys.privatePem, 'secret')
    await expectError(engine.image(through).sign({ keyPem: encrypted }), 'invalid_argument', /sign\.passphrase: .* give the passphrase/)
    await expectError(
      engine.image(through).sign({ keyPem: encrypted, passphrase: 'x' }),
      'invalid_argument',
      /sign\.passphrase: it is wrong/
    )
    await expectError(
      engine.image(image.config.digest).sign({ keyPem: keys.privatePem }),
      'invalid_argument',
      /name the image by its repository/
    )
    // The reason for the casts: the compiler refuses it as well.
    await expectError(
      engine.image(through).sign({ keyPem: keys.privatePem, storage: 'both-ways' as 'both' }),
      'invalid_argument',
      /sign\.storage/
    )
    await expectError(
      engine.image(through).sign({ keyPem: keys.privatePem, key: 1 } as SignOptions),
      'invalid_argument',
      /sign\.key: there is no such option/
    )
    expect(watched.requests).toEqual([])
    // What the engine is sent it checks.
    const payload = payloadOf(reference, image.manifest.digest)
    const body = async (content: Buffer, by = keys) => ({
      Digest: image.manifest.digest,
      Payload: content.toString('base64'),
      Signature: (await by.sign(content)).toString('base64'),
      PublicKey: keys.publicPem
    })
    const call = async (given: Awaited<ReturnType<typeof body>>) => engine.raw.call(ImageSign, { path: { name: reference }, body: given })
    await expectError(call(await body(payload, others)), 'invalid_argument', /it is not by the key/)
    await expectError(
      call(await body(payloadOf(`${registry}/other`, image.manifest.digest))),
      'invalid_argument',
      /it is for the repository/
    )
    await expectError(call(await body(payloadOf(reference, digestOf(payload)))), 'invalid_argument', /it is for "sha256:/)
    await expectError(call({ ...(await body(payload)), Digest: digestOf(payload) }), 'not_found')
    await putArtifact(registry, repository, tag, artifactOf([{ mediaType: 'text/plain', content: Buffer.from('mine') }]))
    await expectError(sign(reference, keys), 'conflict', /something else than signatures; it is left as it is/)
  })

  it('the key stays in the process that signs: an engine behind a socket gets the signature alone', async () => {
    const { reference } = await publish()
    const daemon = await startGantryDaemon({ folder: await mkdtemp(join(folder, 'daemon-')), arguments: ['--debug'] })
    try {
      await using remote = await createEngine({ host: daemon.host })
      const signed = await remote.image(reference).sign({ keyPem: cosignKeyPem(keys.privatePem, 'secret'), passphrase: 'secret' })
      expect(signed.signatures).toMatchObject([{ added: true }])
      const log = await daemon.output()
      expect(log).toContain('/sign')
      for (const line of keys.privatePem.split('\n').slice(1, -2)) expect(log).not.toContain(line)
    } finally {
      await daemon.stop()
    }
    await pull(reference, keys)
  })

  it('skopeo finds it, carries it along and writes the same back; both add to what the other wrote (needs skopeo)', async context => {
    const [missing] = (await findParts(['skopeo'])).missing
    if (missing !== undefined) return context.skip(missing.reason)
    const attachments = join(folder, 'registries.d')
    await mkdir(attachments)
    await writeFile(join(attachments, 'lab.yaml'), `docker:\n  ${registry}:\n    use-sigstore-attachments: true\n`)
    const skopeo = (...argv: readonly string[]) => execute('skopeo', ['--registries.d', attachments, '--insecure-policy', 'copy', ...argv])
    const { repository, image, reference, tag } = await publish()
    await sign(reference, keys, { annotations: { by: 'gantry' } })
    const written = await manifestAt(repository, tag)
    const carried = join(folder, 'carried')
    await skopeo('--src-tls-verify=false', `docker://${reference}`, `dir:${carried}`)
    const found = (await readFile(join(carried, 'signature-1'), 'utf8')).replace(/^\0sigstore-json\n/, '')
    expect(JSON.parse(found)).toEqual({
      mimeType: written.layers[0]?.mediaType,
      payload: (await fetched(repository, `blobs/${written.layers[0]?.digest}`)).toString('base64'),
      annotations: written.layers[0]?.annotations
    })
    await forget(repository, tag)
    await expectError(pull(reference, keys), 'untrusted', /it has no signature/)
    await skopeo('--dest-tls-verify=false', `dir:${carried}`, `docker://${reference}`)
    expect((await manifestAt(repository, tag)).layers).toEqual(written.layers)
    expect((await pull(reference, keys)).digest).toBe(image.manifest.digest)
    expect((await sign(reference, keys, { annotations: { by: 'gantry' } })).signatures).toMatchObject([{ added: false }])
    await sign(reference, others)
    await skopeo('--src-tls-verify=false', '--dest-tls-verify=false', `docker://${reference}`, `docker://${reference}`)
    expect((await manifestAt(repository, tag)).layers).toHaveLength(2)
    for (const by of [keys, others]) await pull(reference, by)
  })
})
