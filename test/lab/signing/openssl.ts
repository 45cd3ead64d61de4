import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Run openssl on files: `{ name: content }` go in, the named file comes out. */
export async function openssl(
  files: Readonly<Record<string, string | Uint8Array>>,
  result: string,
  ...commands: readonly (readonly string[])[]
): Promise<Buffer> {
  const cwd = await mkdtemp(join(tmpdir(), 'gantry-openssl-'))
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(cwd, name), content)
    for (const command of commands) await execute('openssl', [...command], { cwd })
    return await readFile(join(cwd, result))
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

/** Kinds of keys, as `openssl genpkey` makes them. */
const kinds = {
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ed25519: ['-algorithm', 'ed25519'],
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  smallRsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  secp256k1: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']
} as const

export type KeyKind = keyof typeof kinds

/** A key pair whose signatures openssl makes: independent of what checks them. */
export interface KeyPair {
  readonly kind: KeyKind
  readonly privatePem: string
  readonly publicPem: string
  sign(data: Uint8Array): Promise<Buffer>
}

export async function makeKeyPair(kind: KeyKind = 'p256'): Promise<KeyPair> {
  const privatePem = (await openssl({}, 'key.pem', ['genpkey', ...kinds[kind], '-out', 'key.pem'])).toString()
  const publicPem = (
    await openssl({ 'key.pem': privatePem }, 'pub.pem', ['pkey', '-in', 'key.pem', '-pubout', '-out', 'pub.pem'])
  ).toString()
  const command =
    kind === 'ed25519'
      ? ['pkeyutl', '-sign', '-inkey', 'key.pem', '-rawin', '-in', 'data', '-out', 'sig']
      : ['dgst', '-sha256', '-sign', 'key.pem', '-out', 'sig', 'data']
  return { kind, privatePem, publicPem, sign: data => openssl({ 'key.pem': privatePem, data }, 'sig', command) }
}
