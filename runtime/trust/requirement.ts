import type { TrustPolicy } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { type Certificate, isFor, issuerOf, maySign, namesOf, oids, parseCertificate, parseCertificates } from './certificate.js'
import { checkChain } from './certificate-chain.js'
import { checkedKey, type PublicKey, parsePublicKeys, verifySignature } from './public-key.js'
import { SignatureProblem, type SignedStatement } from './signature.js'
import { verifyTimestamp } from './timestamp.js'
import { verifyLogEntry } from './transparency-log.js'

/** Whose signature is asked for. */
export interface Requirement {
  /** For messages: `a signature by the key 12ab...`. */
  readonly wanted: string
  /** Check that a statement was signed by them. @throws SignatureProblem */
  check(statement: SignedStatement): void
}

/** @param path - the policy's name in messages @throws EngineError `invalid_argument`, `not_supported` */
export function compileRequirement(path: string, policy: Exclude<TrustPolicy, string>): Requirement {
  return 'keyPem' in policy ? byKey(parsePublicKeys(`${path}.keyPem`, policy.keyPem)) : byIdentity(path, policy)
}

function byKey(keys: readonly PublicKey[]): Requirement {
  const fingerprints = keys.map(({ fingerprint }) => fingerprint.slice(0, 16)).join(' or ')
  return {
    wanted: `a signature by the key ${fingerprints}`,
    check({ data, signature }) {
      if (!keys.some(key => verifySignature(key, data, signature))) throw new SignatureProblem('it is not by that key')
    }
  }
}

interface TrustedMaterial {
  readonly authorities: readonly Certificate[]
  readonly logs: readonly PublicKey[]
  readonly timestampAuthorities: readonly Certificate[]
}

function byIdentity(path: string, policy: Exclude<TrustPolicy, string | { readonly keyPem: string }>): Requirement {
  const { identity, issuer, trustedRoot } = policy
  if (trustedRoot === undefined)
    throw new EngineError('invalid_argument', `${path}.trustedRoot: an identity is checked against a trusted root`)
  const at = `${path}.trustedRoot`
  const material: TrustedMaterial = {
    authorities: parseCertificates(`${at}.certificateAuthorities`, trustedRoot.certificateAuthorities),
    logs: trustedRoot.transparencyLogs === undefined ? [] : parsePublicKeys(`${at}.transparencyLogs`, trustedRoot.transparencyLogs),
    timestampAuthorities:
      trustedRoot.timestampAuthorities === undefined
        ? []
        : parseCertificates(`${at}.timestampAuthorities`, trustedRoot.timestampAuthorities)
  }
  return {
    wanted: `a signature by ${identity}, known to ${issuer}`,
    check(statement) {
      if (statement.certificate === undefined) throw new SignatureProblem('it comes without a certificate')
      const certificate = parseCertificate(statement.certificate)
      const intermediates = statement.intermediates.map(parseCertificate)
      const times = timesOf(statement, material)
      // Without a time that somebody vouches for, it is now that the certificate has to be valid.
      for (const time of times.length === 0 ? [new Date()] : times) {
        checkChain(certificate, { anchors: material.authorities, intermediates, at: time })
      }
      if (!isFor(certificate, oids.codeSigning) || !maySign(certificate)) throw new SignatureProblem('its certificate is not for signing')
      if (!verifySignature(keyOf(certificate), statement.data, statement.signature)) {
        throw new SignatureProblem("it is not by its certificate's key")
      }
      checkIdentity(certificate, { identity, issuer })
    }
  }
}

/** When it was signed, by those whom the policy believes. Where the policy names logs, it has to be in one. */
function timesOf(statement: SignedStatement, { logs, timestampAuthorities }: TrustedMaterial): readonly Date[] {
  const stamped = timestampAuthorities.length === 0 ? [] : statement.timestamps
  const times = stamped.map(response => verifyTimestamp(response, statement.signature, timestampAuthorities))
  if (logs.length === 0) return times
  if (statement.logEntries.length === 0) throw new SignatureProblem('it is not in a transparency log')
  const logged = statement.logEntries.map(entry => verifyLogEntry(entry, statement, logs))
  return [...times, ...logged.filter(time => time !== undefined)]
}

function checkIdentity(certificate: Certificate, wanted: { readonly identity: string; readonly issuer: string }): void {
  const names = namesOf(certificate)
  const issuer = issuerOf(certificate)
  if (names.includes(wanted.identity) && issuer === wanted.issuer) return
  const found = `${names.length === 0 ? 'nobody' : names.join(', ')}, known to ${issuer ?? 'nobody'}`
  throw new SignatureProblem(`it is by ${found.slice(0, 300)}`)
}

function keyOf({ x509 }: Certificate): PublicKey {
  try {
    return checkedKey('certificate', x509.publicKey)
  } catch (error) {
    throw new SignatureProblem(error instanceof Error ? error.message : String(error))
  }
}
