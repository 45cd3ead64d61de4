import { authorityOf, type Certificate, oids } from './certificate.js'
import { SignatureProblem } from './signature.js'

/** What a certificate is believed by. */
export interface ChainOptions {
  /** Believed as they are: roots, and others that a policy names. */
  readonly anchors: readonly Certificate[]
  /** What came with the signature, to be believed only by way of an anchor. */
  readonly intermediates: readonly Certificate[]
  /** When every certificate of the chain has to be valid. */
  readonly at: Date
}

/** Certificates between the signer's and an anchor. */
const maximumDepth = 5
const maximumIntermediates = 10

/** Extensions that are read here: a critical one that is not has to end it (RFC 5280, section 4.2). */
const understood: ReadonlySet<string> = new Set([oids.keyUsage, oids.subjectAltName, oids.basicConstraints, oids.extendedKeyUsage])

/**
 * Check that a certificate comes from one of the anchors: RFC 5280, section 6, without policies and name constraints; a certificate that has
 * those as critical is not taken. Each certificate is looked at once, from the signer upwards.
 *
 * @throws SignatureProblem
 */
export function checkChain(leaf: Certificate, { anchors, intermediates, at }: ChainOptions): void {
  checkValidity(leaf, at)
  let problem = new SignatureProblem('its certificate does not come from an authority of the trusted root')
  const left = new Set([...anchors, ...intermediates.slice(0, maximumIntermediates)])
  let level: readonly Certificate[] = [leaf]
  for (let authoritiesBelow = 0; authoritiesBelow <= maximumDepth && level.length > 0; authoritiesBelow++) {
    const issuers = [...left].filter(candidate => level.some(certificate => hasIssued(candidate, certificate)))
    const next: Certificate[] = []
    for (const issuer of issuers) {
      left.delete(issuer)
      const wrong = wrongAuthority(issuer, authoritiesBelow, at)
      if (wrong !== undefined) problem = wrong
      else if (anchors.includes(issuer)) return
      else next.push(issuer)
    }
    level = next
  }
  throw problem
}

function wrongAuthority(issuer: Certificate, authoritiesBelow: number, at: Date): SignatureProblem | undefined {
  try {
    checkValidity(issuer, at)
    const authority = authorityOf(issuer)
    if (authority !== undefined && authority.longest >= authoritiesBelow) return undefined
    return new SignatureProblem('the issuer of its certificate is no authority for it')
  } catch (error) {
    if (error instanceof SignatureProblem) return error
    throw error
  }
}

function hasIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (issuer === certificate) return false
  try {
    return certificate.x509.checkIssued(issuer.x509) && certificate.x509.verify(issuer.x509.publicKey)
  } catch {
    return false
  }
}

/** Check a certificate by itself. @throws SignatureProblem */
export function checkValidity({ x509, extensions }: Certificate, at: Date): void {
  if (at < new Date(x509.validFrom))
    throw new SignatureProblem(`a certificate of it is valid from ${isoTime(x509.validFrom)} on, not ${isoTime(at)}`)
  if (at > new Date(x509.validTo))
    throw new SignatureProblem(`a certificate of it has expired: valid until ${isoTime(x509.validTo)}, not ${isoTime(at)}`)
  const strange = [...extensions].find(([oid, { critical }]) => critical && !understood.has(oid))
  if (strange !== undefined)
    throw new SignatureProblem(`a certificate of it has a critical extension that is not known here: ${strange[0]}`)
}

function isoTime(time: Date | string): string {
  return new Date(time).toISOString()
}
