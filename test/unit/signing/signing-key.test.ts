import { describe, expect, it } from 'vitest'
import { readSigningKey } from '../../../src/signing/signing-key.js'
import { cosignCost, cosignKeyPem } from '../../lab/signing/cosign-key.js'
import { type KeyKind, makeKeyPair, openssl } from '../../lab/signing/openssl.js'

// Needs: openssl, which makes the keys and checks the signatures.

const data = Buffer.from('what is signed')
const secret = 'correct horse <&>ü'

/** Rejects where openssl does not take the signature. */
async function checkWithOpenssl(kind: KeyKind, publicPem: string, signature: Buffer): Promise<void> {
  const files = { 'pub.pem': publicPem, data, sig: signature }
  const command =
    kind === 'ed25519'
      ? ['pkeyutl', '-verify', '-pubin', '-inkey', 'pub.pem', '-rawin', '-in', 'data', '-sigfile', 'sig']
      : ['dgst', '-sha256', '-verify', 'pub.pem', '-signature', 'sig', 'data']
  await openssl(files, 'sig', command)
}

const refused = (keyPem: string, passphrase?: string) => expect(readSigningKey('sign', keyPem, passphrase)).rejects

describe('private keys', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa'] as const)('of the kind %s sign what openssl takes', async kind => {
    const pair = await makeKeyPair(kind)
    const key = await readSigningKey('sign', pair.privatePem)
    expect(key.publicKeyPem).toBe(pair.publicPem)
    await checkWithOpenssl(kind, pair.publicPem, key.sign(data))
    await expect(checkWithOpenssl(kind, (await makeKeyPair(kind)).publicPem, key.sign(data))).rejects.toThrow()
  })

  it.each<readonly [form: string, commands: readonly (readonly string[])[]]>([
    ['SEC 1, behind its curve', [['ecparam', '-name', 'prime256v1', '-genkey', '-out', 'key.pem']]],
    ['PKCS #1', [['genrsa', '-traditional', '-out', 'key.pem', '2048']]],
    [
      'PKCS #8, encrypted',
      [['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-aes256', '-pass', `pass:${secret}`, '-out', 'key.pem']]
    ],
    [
      'SEC 1, encrypted as in old days',
      [
        ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'plain.pem'],
        ['ec', '-in', 'plain.pem', '-aes128', '-passout', `pass:${secret}`, '-out', 'key.pem']
      ]
    ]
  ])('are read from %s', async (_form, commands) => {
    const pem = (await openssl({}, 'key.pem', ...commands)).toString()
    const key = await readSigningKey('sign', pem, secret)
    await checkWithOpenssl('p256', key.publicKeyPem, key.sign(data))
    if (/ENCRYPTED/.test(pem)) {
      await refused(pem).toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(/sign\.passphrase: .* give the passphrase/)
      })
      await refused(pem, 'wrong').toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/or the passphrase is wrong/) })
    }
  })

  it.each(['ENCRYPTED SIGSTORE PRIVATE KEY', 'ENCRYPTED COSIGN PRIVATE KEY'])('are read as cosign encrypts them: %s', async label => {
    const pair = await makeKeyPair()
    const pem = cosignKeyPem(pair.privatePem, secret, { label, cost: cosignCost })
    const key = await readSigningKey('sign', pem, secret)
    expect(key.publicKeyPem).toBe(pair.publicPem)
    await checkWithOpenssl('p256', pair.publicPem, key.sign(data))
    await refused(pem).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/give the passphrase/) })
    await refused(pem, 'wrong').toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/sign\.passphrase: it is wrong/) })
  })

  it('of cosign may have an empty passphrase', async () => {
    const pair = await makeKeyPair()
    expect((await readSigningKey('sign', cosignKeyPem(pair.privatePem, ''), '')).publicKeyPem).toBe(pair.publicPem)
  })

  it('of cosign that are damaged, or ask for more memory than there is to give, are refused', async () => {
    const { privatePem } = await makeKeyPair()
    const pem = cosignKeyPem(privatePem, secret)
    await refused(pem.replace(/\n.{20}/, '\n'), secret).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/damaged/)
    })
    for (const params of [
      { N: 2 ** 26, r: 8, p: 1 },
      { N: 1024, r: 8, p: 10_000 }
    ]) {
      await refused(withParams(pem, params), secret).toMatchObject({
        code: 'not_supported',
        message: expect.stringMatching(/more memory or time/)
      })
    }
    for (const params of [
      { N: 1000, r: 8, p: 1 },
      { N: 1024, r: -1, p: 1 },
      { N: 'many', r: 8, p: 1 }
    ]) {
      await refused(withParams(pem, params), secret).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/damaged/) })
    }
  })

  it('that are none, or of kinds that nobody takes, are refused by name and shown in no message', async () => {
    const [small, other, pair] = await Promise.all([makeKeyPair('smallRsa'), makeKeyPair('secp256k1'), makeKeyPair()])
    await refused(pair.publicPem).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/no private key in it/) })
    await refused('nonsense').toMatchObject({ code: 'invalid_argument' })
    await refused(small.privatePem).toMatchObject({ code: 'not_supported', message: expect.stringMatching(/rsa, 1024 bits/) })
    await refused(other.privatePem).toMatchObject({ code: 'not_supported', message: expect.stringMatching(/ec, secp256k1/) })
    const openssh = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n'
    await refused(openssh).toMatchObject({ code: 'not_supported', message: expect.stringMatching(/ssh-keygen -p -m PKCS8/) })
    const damaged = pair.privatePem.replace(/\n(.{30})/, '\n')
    const error = await readSigningKey('sign', damaged).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_argument' })
    expect(`${JSON.stringify(error)} ${error}`).not.toContain(damaged.slice(40, 80))
  })
})

/** The same key, with other costs of its derivation. */
function withParams(pem: string, params: object): string {
  const [head = '', ...lines] = pem.trim().split('\n')
  const envelope = JSON.parse(Buffer.from(lines.slice(0, -1).join(''), 'base64').toString())
  envelope.kdf.params = params
  return [head, Buffer.from(JSON.stringify(envelope)).toString('base64'), lines.at(-1)].join('\n')
}
