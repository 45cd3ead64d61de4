import { X509Certificate } from 'node:crypto'
import { type KeyPair, makeKeyPair, openssl } from './openssl.js'

/** A certificate authority that gives out certificates as Fulcio does, made with openssl. */
export interface Authority {
  readonly certificatePem: string
  readonly keys: KeyPair
}

export interface Issued {
  readonly pem: string
  readonly der: Buffer
  readonly keys: KeyPair
}

export interface IssueOptions {
  /** `email:somebody@example.com`, `URI:https://...`, as openssl writes it. */
  readonly name: string
  readonly issuer?: string
  /** Fulcio's older extension, plain text. */
  readonly oldIssuer?: string
  /** When it begins and ends. @default an hour ago, in an hour */
  readonly from?: Date
  readonly to?: Date
  /** @default codeSigning */
  readonly purpose?: string
  /** Further lines of the extension section. */
  readonly more?: readonly string[]
}

const distinguished = ['[req]', 'distinguished_name=dn', 'prompt=no', '[dn]']

/** A root that signs itself; below `parent` one that does not. */
export async function makeAuthority(name: string, parent?: Authority, constraints = 'critical,CA:true'): Promise<Authority> {
  const keys = await makeKeyPair()
  const section = ['[ext]', `basicConstraints=${constraints}`, 'keyUsage=critical,keyCertSign,cRLSign', 'subjectKeyIdentifier=hash']
  const certificatePem = await issue({ keys, subject: name, section, parent, from: dayAway(-3000), to: dayAway(3000) })
  return { certificatePem, keys }
}

/** A signer's certificate with a key of its own. */
export async function issueCertificate(authority: Authority, options: IssueOptions): Promise<Issued> {
  const keys = await makeKeyPair()
  const section = [
    '[ext]',
    'keyUsage=critical,digitalSignature',
    `extendedKeyUsage=${options.purpose ?? 'codeSigning'}`,
    `subjectAltName=critical,${options.name}`,
    ...(options.issuer === undefined ? [] : [`1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${options.issuer}`]),
    ...(options.oldIssuer === undefined ? [] : [`1.3.6.1.4.1.57264.1.1=DER:${Buffer.from(options.oldIssuer).toString('hex')}`]),
    ...(options.more ?? [])
  ]
  const [from, to] = [options.from ?? new Date(Date.now() - 3_600_000), options.to ?? new Date(Date.now() + 3_600_000)]
  const pem = await issue({ keys, subject: 'signer', section, parent: authority, from, to })
  return { pem, der: new X509Certificate(pem).raw, keys }
}

/** A timestamp authority: a certificate for timestamps, and answers by `openssl ts`. */
export async function makeTimestampAuthority(parent: Authority, purpose = 'critical,timeStamping') {
  const issued = await issueCertificate(parent, { name: 'URI:https://tsa.example', purpose, from: dayAway(-30), to: dayAway(30) })
  const config = [
    '[tsa]',
    'default_tsa=t',
    '[t]',
    'serial=serial',
    'crypto_device=builtin',
    'signer_cert=cert.pem',
    'signer_key=key.pem',
    'signer_digest=sha256',
    'default_policy=1.2.3.4.1',
    'digests=sha256',
    'accuracy=secs:1',
    'ess_cert_id_chain=no',
    'ess_cert_id_alg=sha256'
  ]
  /** TimeStampResp for some data, now. */
  const stamp = (data: Uint8Array, flags: readonly string[] = ['-cert']): Promise<Buffer> =>
    openssl(
      { data, 'tsa.cnf': `${config.join('\n')}\n`, 'cert.pem': issued.pem, 'key.pem': issued.keys.privatePem, serial: '01\n' },
      'reply.tsr',
      ['ts', '-query', '-data', 'data', '-sha256', ...flags, '-out', 'query.tsq'],
      ['ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr']
    )
  return { ...issued, stamp }
}

interface Issue {
  readonly keys: KeyPair
  readonly subject: string
  readonly section: readonly string[]
  readonly parent: Authority | undefined
  readonly from: Date
  readonly to: Date
}

/** `openssl ca`, because `openssl x509` cannot say when a certificate begins. */
async function issue({ keys, subject, section, parent, from, to }: Issue): Promise<string> {
  const config = [
    ...distinguished,
    `CN=${subject}`,
    '[ca]',
    'default_ca=a',
    '[a]',
    'new_certs_dir=.',
    'database=index',
    'serial=serial',
    'default_md=sha256',
    'policy=p',
    'x509_extensions=ext',
    'unique_subject=no',
    'copy_extensions=none',
    '[p]',
    'commonName=supplied',
    ...section
  ]
  const serial = Math.floor(Math.random() * 2 ** 40)
    .toString(16)
    .padStart(12, '1')
  const by = parent === undefined ? ['-selfsign', '-keyfile', 'key.pem'] : ['-cert', 'ca.pem', '-keyfile', 'ca.key']
  const text = await openssl(
    {
      'key.pem': keys.privatePem,
      'ca.pem': parent?.certificatePem ?? '',
      'ca.key': parent?.keys.privatePem ?? '',
      'openssl.cnf': `${config.join('\n')}\n`,
      index: '',
      serial: `${serial}\n`
    },
    'cert.pem',
    ['req', '-new', '-key', 'key.pem', '-config', 'openssl.cnf', '-out', 'request.pem'],
    // prettier: one command
    [
      'ca',
      '-batch',
      '-notext',
      '-config',
      'openssl.cnf',
      ...by,
      '-startdate',
      stampOf(from),
      '-enddate',
      stampOf(to),
      '-in',
      'request.pem',
      '-out',
      'cert.pem'
    ]
  )
  return text.toString()
}

function stampOf(date: Date): string {
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}

function dayAway(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}
