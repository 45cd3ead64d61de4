import { createHash, X509Certificate } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TrustedRoot } from '../../../../src/api/index.js'
import {
  artifactOf,
  bundleArtifact,
  bundleType,
  digestOf,
  envelopeBundle,
  envelopeBytes,
  messageBundle,
  payloadOf,
  referrersIndex,
  signatureLayer,
  statementOf
} from '../../../lab/signing/artifacts.js'
import { type Authority, type Issued, issueCertificate, makeAuthority, makeTimestampAuthority } from '../../../lab/signing/authority.js'
import { dsseRekord, hashedRekord, Log } from '../../../lab/signing/log.js'
import { makeKeyPair } from '../../../lab/signing/openssl.js'
import { image, MapRegistry, repository, verdict } from './kit.js'

// Needs: openssl, which makes keys, certificates, signatures and time stamps.

const identity = 'https://ci.example/team/app/.workflow@main'
const issuer = 'https://tokens.example'
const name = `URI:${identity}`
const statement = statementOf(image.digest)
const hourAgo = new Date(Date.now() - 3_600_000)
const past = { from: new Date(Date.now() - 7_200_000), to: hourAgo }

let root: Authority
let middle: Authority
let tsa: Awaited<ReturnType<typeof makeTimestampAuthority>>
let log: Log
let signer: Issued
let registry: MapRegistry

beforeAll(async () => {
  root = await makeAuthority('root')
  middle = await makeAuthority('intermediate', root, 'critical,CA:true,pathlen:0')
  ;[tsa, log, signer] = await Promise.all([makeTimestampAuthority(root), Log.open(), issueCertificate(middle, { name, issuer })])
})
beforeEach(() => {
  registry = new MapRegistry()
})

function put(bundle: Buffer): void {
  const artifact = bundleArtifact(bundle, { digest: image.digest, size: image.manifest.length })
  registry.put('unused', artifact)
  registry.put(image.digest.replace(':', '-'), referrersIndex([{ ...artifact, artifactType: bundleType }]))
}

const trusted = (more: Partial<TrustedRoot> = {}): TrustedRoot => ({ certificateAuthorities: root.certificatePem, ...more })
const judge = (more: Partial<TrustedRoot> = {}, who: { readonly identity?: string; readonly issuer?: string } = {}) =>
  verdict(registry, { verify: { identity, issuer, ...who, trustedRoot: trusted(more) } })

/** A bundle with an envelope, signed by `by`; `change` spoils its JSON. */
async function bundle(by: Issued, material: object = {}, payload = statement): Promise<Buffer> {
  return envelopeBundle(payload, await by.keys.sign(envelopeBytes(payload)), { ...certificatesOf(by), ...material })
}

function certificatesOf(by: Issued): object {
  const chain = [by.der, new X509Certificate(middle.certificatePem).raw]
  return { x509CertificateChain: { certificates: chain.map(der => ({ rawBytes: der.toString('base64') })) } }
}

describe('sigstore bundles', () => {
  it('are taken of a key: an envelope, and the manifest itself', async () => {
    const keys = await makeKeyPair()
    put(envelopeBundle(statement, await keys.sign(envelopeBytes(statement)), { publicKey: { hint: 'x' } }))
    expect(await verdict(registry, { verify: { keyPem: keys.publicPem } })).toBeUndefined()
    put(messageBundle(image.manifest, await keys.sign(image.manifest), { publicKey: { hint: 'x' } }))
    expect(await verdict(registry, { verify: { keyPem: keys.publicPem } })).toBeUndefined()
    expect(await verdict(registry, { verify: { keyPem: signer.keys.publicPem } })).toMatch(/referrer sha256:\w{12}: it is not by that key/)
  })

  it('are taken of an identity, by a certificate that comes from the trusted root', async () => {
    put(await bundle(signer))
    expect(await judge()).toBeUndefined()
    put(messageBundle(image.manifest, await signer.keys.sign(image.manifest), certificatesOf(signer)))
    expect(await judge()).toBeUndefined()
  })

  it('are taken without the certificates between, where the trusted root has them', async () => {
    put(await bundle(signer, { x509CertificateChain: undefined, certificate: { rawBytes: signer.der.toString('base64') } }))
    expect(await judge()).toMatch(/does not come from an authority of the trusted root/)
    expect(await judge({ certificateAuthorities: root.certificatePem + middle.certificatePem })).toBeUndefined()
  })

  it.each([
    [
      'somebody else',
      { name: 'URI:https://ci.example/team/app/.workflow@main2', issuer },
      /it is by https:\/\/ci\.example\/team\/app\/\.workflow@main2, known to/
    ],
    ['the same name known to somebody else', { name, issuer: 'https://tokens.example.org' }, /known to https:\/\/tokens\.example\.org/],
    ['a name that nobody vouches for', { name }, /known to nobody/],
    ['somebody whose certificate is for servers', { name, issuer, purpose: 'serverAuth' }, /certificate is not for signing/],
    [
      'somebody with limits that are not understood',
      { name, issuer, more: ['1.2.3.4=critical,ASN1:NULL'] },
      /critical extension that is not known here: 1\.2\.3\.4/
    ]
  ])('do not count of %s', async (_who, options, message) => {
    put(await bundle(await issueCertificate(middle, options)))
    expect(await judge()).toMatch(message)
  })

  it('name their issuer in the older way too, and mail addresses', async () => {
    put(await bundle(await issueCertificate(middle, { name: 'email:dev@example.com', oldIssuer: issuer })))
    expect(await judge({}, { identity: 'dev@example.com' })).toBeUndefined()
    expect(await judge({}, { identity: 'dev@example.co' })).toMatch(/it is by dev@example\.com/)
  })

  it('do not count by a certificate of another authority, of a signer who plays one, or below too many', async () => {
    const stranger = await makeAuthority('root')
    put(await bundle(await issueCertificate(stranger, { name, issuer })))
    expect(await judge()).toMatch(/does not come from an authority/)
    const forged = await issueCertificate({ certificatePem: signer.pem, keys: signer.keys }, { name, issuer })
    put(
      await bundle(forged, {
        x509CertificateChain: {
          certificates: [forged.der, signer.der, new X509Certificate(middle.certificatePem).raw].map(der => ({
            rawBytes: der.toString('base64')
          }))
        }
      })
    )
    expect(await judge()).toMatch(/does not come from an authority|no authority for it/)
    const deep = await makeAuthority('deep', middle)
    const below = await issueCertificate(deep, { name, issuer })
    put(
      await bundle(below, {
        x509CertificateChain: {
          certificates: [below.der, new X509Certificate(deep.certificatePem).raw, new X509Certificate(middle.certificatePem).raw].map(
            der => ({ rawBytes: der.toString('base64') })
          )
        }
      })
    )
    expect(await judge()).toMatch(/no authority for it/)
  })

  const wrongStatements: readonly (readonly [string, Buffer, RegExp])[] = [
    ['another digest', statementOf(digestOf(Buffer.from('x'))), /it is for another digest/],
    ['provenance', statementOf(image.digest, 'https://slsa.dev/provenance/v1'), /no signature but an attestation: https:\/\/slsa/],
    ['something else', Buffer.from('{"_type":"x"}'), /no in-toto statement/],
    ['no JSON', Buffer.from('x'), /not JSON/]
  ]
  it.each(wrongStatements)('do not count for %s', async (_what, payload, message) => {
    put(await bundle(signer, {}, payload))
    expect(await judge()).toMatch(message)
  })

  it('do not count when anything in them was changed', async () => {
    const good = JSON.parse((await bundle(signer)).toString())
    const envelope = good.dsseEnvelope
    const other = await makeKeyPair()
    const changes: readonly object[] = [
      { dsseEnvelope: { ...envelope, payload: Buffer.from(statement.toString().replace('{}', '{"a":1}')).toString('base64') } },
      { dsseEnvelope: { ...envelope, payloadType: 'application/json' } },
      { dsseEnvelope: { ...envelope, signatures: [] } },
      { dsseEnvelope: { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] } },
      { dsseEnvelope: { ...envelope, signatures: [{ sig: (await other.sign(envelopeBytes(statement))).toString('base64') }] } },
      { dsseEnvelope: undefined },
      { mediaType: 'application/vnd.dev.sigstore.bundle.v9+json' },
      { verificationMaterial: {} },
      { verificationMaterial: { certificate: { rawBytes: signer.der.subarray(0, 200).toString('base64') } } },
      { verificationMaterial: { certificate: { rawBytes: 'AAAA' } } }
    ]
    for (const change of changes) {
      put(Buffer.from(JSON.stringify({ ...good, ...change })))
      expect(await judge(), JSON.stringify(change).slice(0, 80)).toMatch(/do not count/)
    }
    put(Buffer.from('{'))
    expect(await judge()).toMatch(/not JSON/)
  })
})

describe('the time of a signature', () => {
  it('is now, where nobody vouches for another one: expired certificates, and those to come, do not count', async () => {
    put(await bundle(await issueCertificate(middle, { name, issuer, ...past })))
    expect(await judge()).toMatch(/has expired: valid until/)
    put(
      await bundle(
        await issueCertificate(middle, { name, issuer, from: new Date(Date.now() + 3_600_000), to: new Date(Date.now() + 7_200_000) })
      )
    )
    expect(await judge()).toMatch(/is valid from .* on, not/)
  })

  it('is the one that a transparency log has signed', async () => {
    const expired = await issueCertificate(middle, { name, issuer, ...past })
    const signature = await expired.keys.sign(envelopeBytes(statement))
    const record = dsseRekord(statement, signature, expired.pem)
    const at = Math.floor(hourAgo.getTime() / 1000) - 60
    const transparencyLogs = log.keys.publicPem
    const signed = (entry: object) => envelopeBundle(statement, signature, { ...certificatesOf(expired), tlogEntries: [entry] })

    const entry = await log.note(record, { at })
    put(signed(entry))
    expect(await judge({ transparencyLogs })).toBeUndefined()
    // Nobody who is believed says when.
    expect(await judge()).toMatch(/has expired/)
    put(signed(await log.note(record)))
    expect(await judge({ transparencyLogs })).toMatch(/has expired/)
    put(signed({ ...entry, integratedTime: String(at + 1) }))
    expect(await judge({ transparencyLogs })).toMatch(/has not the log's signature/)
    const { inclusionPromise: _, ...proofOnly } = entry
    put(signed(proofOnly))
    expect(await judge({ transparencyLogs })).toMatch(/has expired/)
  })

  it('is the one of a time stamp', async () => {
    const brief = await issueCertificate(middle, { name, issuer, to: new Date(Date.now() + 2_000) })
    const signature = await brief.keys.sign(envelopeBytes(statement))
    const authorities = { timestampAuthorities: root.certificatePem }
    const stamped = (signedTimestamp: Buffer) =>
      envelopeBundle(statement, signature, {
        ...certificatesOf(brief),
        timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: signedTimestamp.toString('base64') }] }
      })
    const good = await tsa.stamp(signature)
    const other = await tsa.stamp(Buffer.from('something else'))
    const bare = await tsa.stamp(signature, ['-no_nonce'])
    await new Promise(resolve => setTimeout(resolve, 2_500))
    put(stamped(good))
    expect(await judge()).toMatch(/has expired/)
    expect(await judge(authorities)).toBeUndefined()
    // The authority's certificate is not in it, and known by the policy.
    put(stamped(bare))
    expect(await judge({ timestampAuthorities: tsa.pem })).toBeUndefined()
    expect(await judge(authorities)).toMatch(/of an authority that is not known/)
    put(stamped(other))
    expect(await judge(authorities)).toMatch(/timestamp is for something else/)
    put(stamped(good))
    expect(await judge({ timestampAuthorities: (await makeAuthority('root')).certificatePem })).toMatch(/does not come from an authority/)
    // The digest, the time, and the authority's signature.
    const imprint = createHash('sha256').update(signature).digest()
    for (const at of [good.indexOf(imprint) + 7, good.indexOf(`${new Date().getUTCFullYear()}`) + 9, good.length - 3]) {
      const wrong = Buffer.from(good)
      wrong.writeUInt8(wrong.readUInt8(at) ^ 0x10, at)
      put(stamped(wrong))
      expect(await judge(authorities), `octet ${at}`).toMatch(/do not count/)
    }
  })
})

describe('transparency logs', () => {
  const sizes = [1, 2, 3, 5, 8, 13].flatMap(size =>
    Array.from({ length: Math.min(size, 4) }, (_, index) => [size, size - 1 - index] as const)
  )
  it.each(sizes)('of %i entries prove that they have number %i', async (size, index) => {
    const signature = await signer.keys.sign(envelopeBytes(statement))
    const { inclusionPromise: _, ...entry } = await log.note(dsseRekord(statement, signature, signer.pem), { others: size - 1, index })
    put(envelopeBundle(statement, signature, { ...certificatesOf(signer), tlogEntries: [entry] }))
    expect(await judge({ transparencyLogs: log.keys.publicPem })).toBeUndefined()
  })

  it('are asked for where the trusted root names them', async () => {
    put(await bundle(signer))
    expect(await judge({ transparencyLogs: log.keys.publicPem })).toMatch(/it is not in a transparency log/)
  })

  it('do not count for another signature, payload or signer, nor by another log, nor when anything was changed', async () => {
    const transparencyLogs = log.keys.publicPem
    const signature = await signer.keys.sign(envelopeBytes(statement))
    const again = await signer.keys.sign(envelopeBytes(statement))
    const stranger = await issueCertificate(middle, { name, issuer })
    const good = await log.note(dsseRekord(statement, signature, signer.pem))
    const proof = good.inclusionProof ?? { hashes: [], checkpoint: { envelope: '' } }
    const { inclusionPromise: _p, ...proofOnly } = good
    const { inclusionProof: _q, ...promiseOnly } = good
    const elsewhere = await Log.open()
    const entries: readonly (readonly [object, RegExp])[] = [
      [await log.note(dsseRekord(statement, again, signer.pem)), /for another signature/],
      [await log.note(dsseRekord(Buffer.from('{}'), signature, signer.pem)), /for something else/],
      [await log.note(dsseRekord(statement, signature, stranger.pem)), /of another signer/],
      [await log.note(hashedRekord(statement, signature, signer.pem)), /for something else/],
      [await log.note({ kind: 'rpm', apiVersion: '0.0.1', spec: {} }), /of a kind that is not known here: rpm/],
      [await elsewhere.note(dsseRekord(statement, signature, signer.pem)), /not the signature of a log|of a log that is not/],
      [{ ...promiseOnly, logIndex: '7' }, /has not the log's signature/],
      [{ ...promiseOnly, inclusionPromise: undefined }, /without a proof/],
      [{ ...proofOnly, inclusionProof: { ...proof, logIndex: '1' } }, /not in the log's tree/],
      [{ ...proofOnly, inclusionProof: { ...proof, logIndex: '99' } }, /behind the end/],
      [{ ...proofOnly, inclusionProof: { ...proof, hashes: proof.hashes.slice(1) } }, /too short|not in the log's tree/],
      [{ ...proofOnly, inclusionProof: { ...proof, hashes: [...proof.hashes, ...proof.hashes] } }, /too long/],
      [
        { ...proofOnly, inclusionProof: { ...proof, checkpoint: { envelope: proof.checkpoint.envelope.replace('- 1', '- 2') } } },
        /not the signature of a log/
      ],
      [{ ...proofOnly, inclusionProof: { ...proof, checkpoint: { envelope: 'x' } } }, /malformed/],
      [{ ...proofOnly, inclusionProof: { ...proof, checkpoint: undefined } }, /no checkpoint/]
    ]
    for (const [entry, message] of entries) {
      put(envelopeBundle(statement, signature, { ...certificatesOf(signer), tlogEntries: [entry] }))
      expect(await judge({ transparencyLogs }), JSON.stringify(entry).slice(0, 200)).toMatch(message)
    }
    put(envelopeBundle(statement, signature, { ...certificatesOf(signer), tlogEntries: [promiseOnly] }))
    expect(await judge({ transparencyLogs })).toBeUndefined()
  })
})

describe("cosign's signatures with a certificate", () => {
  it('are taken under their tag, with the log entry in an annotation', async () => {
    const expired = await issueCertificate(middle, { name, issuer, ...past })
    const payload = payloadOf(repository, image.digest)
    const signature = await expired.keys.sign(payload)
    const entry = await log.note(hashedRekord(payload, signature, expired.pem), { at: Math.floor(hourAgo.getTime() / 1000) - 60 })
    const annotation = {
      SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
      Payload: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logIndex: Number(entry.logIndex),
        logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex')
      }
    }
    const annotations = {
      'dev.sigstore.cosign/certificate': expired.pem,
      'dev.sigstore.cosign/chain': middle.certificatePem + root.certificatePem,
      'dev.sigstore.cosign/bundle': JSON.stringify(annotation)
    }
    registry.putSignatures([signatureLayer(payload, signature, annotations)])
    expect(await judge({ transparencyLogs: log.keys.publicPem })).toBeUndefined()
    expect(await judge()).toMatch(/has expired/)
    registry.putSignatures([signatureLayer(payload, signature, { ...annotations, 'dev.sigstore.cosign/bundle': '{}' })])
    expect(await judge({ transparencyLogs: log.keys.publicPem })).toMatch(/do not count/)
    registry.put(`${image.digest.replace(':', '-')}.sig`, artifactOf([signatureLayer(payload, signature)]))
    expect(await judge()).toMatch(/comes without a certificate/)
  })
})

describe('a policy with an identity', () => {
  it.each([
    ['no certificate', { certificateAuthorities: 'x' }, /trustedRoot\.certificateAuthorities: there is no PEM text in it/],
    ['a key for a certificate', { transparencyLogs: 'x' }, /trustedRoot\.transparencyLogs: there is no PEM text in it/]
  ])('is refused with %s', async (_what, more, message) => {
    await expect(judge(more)).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(message) })
  })
})
