import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** An authority of a test's own. */
export interface Authority extends Certificate {
  /** @param names - as in openssl's subjectAltName: `IP:127.0.0.1`, `DNS:registry.test` */
  issue(name: string, names: readonly string[]): Certificate
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Whether there is an openssl to make certificates with. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Make an authority in a folder, valid for two days. */
export function makeAuthority(folder: string): Authority {
  const file = (name: string): string => join(folder, name)
  const openssl = (...argv: string[]): void => void execFileSync('openssl', argv, { stdio: 'ignore' })
  const pair = (name: string): Certificate => ({
    cert: readFileSync(file(`${name}.pem`), 'utf8'),
    key: readFileSync(file(`${name}-key.pem`), 'utf8')
  })
  openssl('req', '-x509', ...curve, '-keyout', file('ca-key.pem'), '-out', file('ca.pem'), '-subj', '/CN=test authority', '-days', '2')
  return {
    ...pair('ca'),
    issue(name, names) {
      const extension = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
      openssl('req', ...curve, '-keyout', file(`${name}-key.pem`), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`, ...extension)
      const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy']
      openssl('x509', '-req', '-in', file(`${name}.csr`), '-out', file(`${name}.pem`), ...signed)
      return pair(name)
    }
  }
}
