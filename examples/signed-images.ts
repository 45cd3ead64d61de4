// Sign an image with a key pair, and let in what is signed and nothing else.
//
//   node signed-images.js [image]
import { generateKeyPairSync } from 'node:crypto'
import { createEngine, EngineError } from 'gantry'

const [reference = 'busybox'] = process.argv.slice(2)
// Or `cosign generate-key-pair`: its keys, with their passphrase, do as well.
const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})

await using engine = await createEngine({ transport: 'in-process' })
await using registry = await engine.registry()
const image = await engine.image(reference).pull()
const { digest } = await image.push({ to: `${registry.address}/app:1` })

const app = engine.image(`${registry.address}/app:1`)
const verify = { keyPem: publicKey }
try {
  await app.pull({ verify })
} catch (error) {
  if (!EngineError.is(error) || error.code !== 'untrusted') throw error
  console.log(`refused: ${error.message}`)
}

const { signatures } = await engine.image(`${registry.address}/app@${digest}`).sign({ keyPem: privateKey })
console.log(`signed: ${signatures.map(signature => signature.reference)}`)

const pulled = await app.pull({ verify })
console.log(`let in: ${pulled.digest}`)
