// Needs: root and the lab (test/lab).
import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

const makeKeys = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' }
  })

conform('signatures', {
  'an image is signed and taken by its signature; engines that cannot refuse both by name': async ({ engine, publish }) => {
    const { privateKey, publicKey } = makeKeys()
    const spec = engine.image(await publish())
    if (!engine.can.trust) {
      await expectError(spec.sign({ keyPem: privateKey }), 'not_supported', /Gantry's own; the engine at .* is another one/)
      await expectError((await spec.pull()).sign({ keyPem: privateKey }), 'not_supported')
      await expectError(spec.pull({ verify: { keyPem: publicKey } }), 'not_supported')
      return
    }
    await expectError(spec.pull({ verify: { keyPem: publicKey } }), 'untrusted', /it has no signature/)
    const { digest } = await spec.sign({ keyPem: privateKey })
    expect((await spec.pull({ verify: { keyPem: publicKey } })).digest).toBe(digest)
    await expectError(spec.pull({ verify: { keyPem: makeKeys().publicKey } }), 'untrusted', /it is not by that key/)
  },

  'an image is here by its id, whatever the policy of pulls': async ({ engine, publish }) => {
    const { id } = await engine.image(await publish()).pull()
    for (const policy of ['missing', 'never'] as const) expect((await engine.image(id).pull({ policy })).id).toBe(id)
  }
})
