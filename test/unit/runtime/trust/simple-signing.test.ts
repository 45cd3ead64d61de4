import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { artifactOf, digestOf, payloadOf, referrersIndex, signatureLayer } from '../../../lab/signing/artifacts.js'
import { type KeyPair, makeKeyPair } from '../../../lab/signing/openssl.js'
import { image, MapRegistry, repository, verdict } from './kit.js'

// Needs: openssl, which makes the keys and signatures.

const payload = payloadOf(repository, image.digest)
let keys: KeyPair
let others: KeyPair
let registry: MapRegistry

beforeAll(async () => {
  ;[keys, others] = await Promise.all([makeKeyPair(), makeKeyPair()])
})
beforeEach(() => {
  registry = new MapRegistry()
})

const verify = () => ({ verify: { keyPem: keys.publicPem } })

describe('signatures of key pairs, as cosign makes them', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa'] as const)('of a %s key are taken', async kind => {
    const pair = await makeKeyPair(kind)
    registry.putSignatures([signatureLayer(payload, await pair.sign(payload))])
    expect(await verdict(registry, { verify: { keyPem: pair.publicPem } })).toBeUndefined()
    expect(await verdict(registry, verify())).toMatch(/found 1 that do not count: under its tag: it is not by that key/)
  })

  it('are found among others, and by one of several keys', async () => {
    const signature = await keys.sign(payload)
    registry.putSignatures([
      signatureLayer(payload, await others.sign(payload)),
      { mediaType: 'application/json', content: Buffer.from('no signature') },
      signatureLayer(payload, signature)
    ])
    expect(await verdict(registry, verify())).toBeUndefined()
    expect(await verdict(registry, { verify: { keyPem: `${others.publicPem}\n${keys.publicPem}` } })).toBeUndefined()
  })

  it('are found as referrers, in a registry that lists them under a tag', async () => {
    const signed = artifactOf([signatureLayer(payload, await keys.sign(payload))])
    registry.put('unused', signed)
    registry.put(
      image.digest.replace(':', '-'),
      referrersIndex([{ ...signed, artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json' }])
    )
    expect(await verdict(registry, verify())).toBeUndefined()
  })

  it('under the tag are enough: what the registry says of referrers is not asked', async () => {
    registry.putSignatures([signatureLayer(payload, await keys.sign(payload))])
    registry.referrers = async () => {
      throw new Error('asked')
    }
    expect(await verdict(registry, verify())).toBeUndefined()
    registry.putSignatures([signatureLayer(payload, await others.sign(payload))])
    await expect(verdict(registry, verify())).rejects.toThrow('asked')
  })

  it('are looked at up to a number, however many a registry lists', async () => {
    const empty = artifactOf([])
    registry.put('unused', empty)
    const artifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
    registry.put(image.digest.replace(':', '-'), referrersIndex(Array.from({ length: 5000 }, () => ({ ...empty, artifactType }))))
    expect(await verdict(registry, verify())).toMatch(/it has no signature/)
    expect(registry.asked.length).toBeLessThan(300)
    // Those of one manifest count as well.
    registry.putSignatures(Array.from({ length: 300 }, () => signatureLayer(payload, Buffer.from('no'))))
    expect(await verdict(registry, verify())).toMatch(/found 256 that do not count/)
  })

  it('name the repository, in any spelling of its registry', async () => {
    const named = payloadOf('Registry.Example:443/team/app', image.digest)
    registry.putSignatures([signatureLayer(named, await keys.sign(named))])
    expect(await verdict(registry, verify())).toBeUndefined()
  })

  it('that are not there are told with what was looked for', async () => {
    const message = await verdict(registry, verify())
    expect(message).toMatch(
      /cannot pull registry\.example\/team\/app:latest: it is not trusted: looked for a signature by the key [0-9a-f]{16} for sha256:/
    )
    expect(message).toMatch(/it has no signature/)
  })

  const tampered: readonly (readonly [string, Buffer, RegExp])[] = [
    ['is for another digest', payloadOf(repository, digestOf(Buffer.from('other'))), /it is for "sha256:/],
    [
      'is for another repository',
      payloadOf('registry.example/team/other', image.digest),
      /for the repository "registry.example\/team\/other"/
    ],
    ['is for another registry', payloadOf('elsewhere.example/team/app', image.digest), /for the repository/],
    ['is for no repository', payloadOf('NOT A NAME', image.digest), /for the repository "NOT A NAME"/],
    ['is of another type', payloadOf(repository, image.digest, 'atomic container signature'), /of type "atomic/],
    ['is an attestation', Buffer.from(JSON.stringify({ subject: [] })), /no part "critical"/],
    ['is not JSON', Buffer.from('{'), /not JSON/],
    ['is a list', Buffer.from('[]'), /no JSON object/],
    ['names no digest', Buffer.from(payload.toString().replace(`"${image.digest}"`, '5')), /it is for 5/]
  ]
  it.each(tampered)('do not count where what was signed %s, however right the signature', async (_what, wrong, message) => {
    registry.putSignatures([signatureLayer(wrong, await keys.sign(wrong))])
    expect(await verdict(registry, verify())).toMatch(message)
  })

  it('may leave the repository out', async () => {
    const open = payloadOf('', image.digest)
    registry.putSignatures([signatureLayer(open, await keys.sign(open))])
    expect(await verdict(registry, verify())).toBeUndefined()
  })

  it('of images of Docker Hub name it as cosign does', async () => {
    const hub = payloadOf('index.docker.io/library/app', image.digest)
    registry.put(`${image.digest.replace(':', '-')}.sig`, artifactOf([signatureLayer(hub, await keys.sign(hub))]), 'library/app')
    expect(await verdict(registry, { ...verify(), reference: 'app:3' })).toBeUndefined()
  })

  it('do not count with one bit changed, anywhere', async () => {
    const signature = await keys.sign(payload)
    for (const at of [0, 1, 5, signature.length - 1]) {
      const wrong = Buffer.from(signature)
      wrong.writeUInt8(wrong.readUInt8(at) ^ 1, at)
      registry.putSignatures([signatureLayer(payload, wrong)])
      expect(await verdict(registry, verify())).toMatch(/not by that key/)
    }
    for (const [from, to] of [
      ['null', '5'],
      ['cosign', 'Cosign']
    ] as const) {
      registry.putSignatures([signatureLayer(Buffer.from(payload.toString().replace(from, to)), signature)])
      expect(await verdict(registry, verify())).toMatch(/do not count/)
    }
  })

  it.each([
    ['no annotation', undefined],
    ['an empty one', ''],
    ['one that is not base64', '***']
  ])('do not count with %s', async (_what, text) => {
    const layer = signatureLayer(payload, await keys.sign(payload))
    registry.putSignatures([{ ...layer, annotations: text === undefined ? {} : { 'dev.cosignproject.cosign/signature': text } }])
    expect(await verdict(registry, verify())).toMatch(/is not base64/)
  })

  it('that the registry lies about do not count', async () => {
    registry.putSignatures([signatureLayer(payload, await keys.sign(payload))])
    registry.blobs.set(digestOf(payload), Buffer.from(payload.toString().replace('team', 'tem!')))
    expect(await verdict(registry, verify())).toMatch(/the registry does not give it: .*damaged/)
    registry.blobs.delete(digestOf(payload))
    expect(await verdict(registry, verify())).toMatch(/the registry does not give it/)
    // The signature of another image under this one's tag.
    const other = artifactOf([{ mediaType: 'x', content: Buffer.from('other') }])
    expect(await verdict(registry, { ...verify(), image: other })).toMatch(/no signature/)
  })

  it('end the search after the first that counts, and after 256', async () => {
    const wrong = await others.sign(payload)
    const layer = signatureLayer(payload, wrong)
    registry.putSignatures(Array.from({ length: 300 }, () => layer))
    expect(await verdict(registry, verify())).toMatch(/found 256/)
  })
})

describe('what is asked of an image', () => {
  it('is nothing where no rule is for it, and nobody asks', async () => {
    expect(await verdict(registry, {})).toBeUndefined()
    expect(await verdict(registry, { rules: { '*': 'accept' } })).toBeUndefined()
    expect(registry.asked).toEqual([])
  })

  it('may be to stay away, without a look at its registry', async () => {
    expect(await verdict(registry, { rules: { 'registry.example': 'reject' }, ...verify() })).toMatch(
      /the engine's rule for registry\.example is to reject it/
    )
    expect(registry.asked).toEqual([])
  })

  it('is what the rule says and what the caller says, both', async () => {
    registry.putSignatures([signatureLayer(payload, await keys.sign(payload))])
    const rules = { 'registry.example/team/*': { keyPem: others.publicPem } }
    expect(await verdict(registry, { rules, ...verify() })).toMatch(/not by that key/)
    registry.putSignatures([signatureLayer(payload, await keys.sign(payload)), signatureLayer(payload, await others.sign(payload))])
    expect(await verdict(registry, { rules, ...verify() })).toBeUndefined()
  })

  it('is a signature that the rule names, where unsigned images are rejected', async () => {
    expect(await verdict(registry, { verify: 'reject-unsigned' })).toMatch(
      /nothing says whose signature counts: no rule of the engine is for it/
    )
    expect(await verdict(registry, { verify: 'reject-unsigned', rules: { '*': 'accept' } })).toMatch(
      /the engine's rule for \* names nobody/
    )
    const rules = { '*': { keyPem: keys.publicPem } }
    expect(await verdict(registry, { verify: 'reject-unsigned', rules })).toMatch(/no signature/)
    registry.putSignatures([signatureLayer(payload, await keys.sign(payload))])
    expect(await verdict(registry, { verify: 'reject-unsigned', rules })).toBeUndefined()
  })

  it.each([
    ['no PEM text', 'hello', /there is no PEM text in it/],
    ['a broken key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', /cannot be read/]
  ])('cannot be a key that is %s', async (_what, keyPem, message) => {
    await expect(verdict(registry, { verify: { keyPem } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message)
    })
  })

  it('cannot be a private key, nor one of a kind that is too weak', async () => {
    await expect(verdict(registry, { verify: { keyPem: keys.privatePem } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/verify\.keyPem: expected PUBLIC KEY in its PEM text, got PRIVATE KEY/)
    })
    for (const kind of ['smallRsa', 'secp256k1'] as const) {
      const { publicPem } = await makeKeyPair(kind)
      await expect(verdict(registry, { rules: { '*': { keyPem: publicPem } } })).rejects.toMatchObject({
        code: 'not_supported',
        message: expect.stringMatching(/trust\["\*"\]\.keyPem: a key of this kind is not taken/)
      })
    }
  })
})
