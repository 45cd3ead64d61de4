import { EngineError } from '../../src/errors/index.js'
import { type Digest, isDigest } from './digest.js'

/**
 * An image reference in full: which registry, which repository, which version. Values come from {@link parseReference},
 * so the parts are valid and at least one of `tag` and `digest` is there.
 */
export interface Reference {
  /** `docker.io`, `localhost:5000`: who is asked, as it is spelled in names. */
  readonly domain: string
  /** `library/ubuntu` */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

/** Docker Hub, as it is spelled in normalised references. */
export const defaultDomain = 'docker.io'

const legacyDefaultDomain = 'index.docker.io'
const maximumPathLength = 255
const maximumTextLength = 4096
const examples = 'such as ubuntu, ubuntu:24.04, ghcr.io/owner/app:1.2 or localhost:5000/app@sha256:...'

const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domainPattern = new RegExp(`^(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`)
const tagPattern = /^\w[\w.-]{0,127}$/

/**
 * Read a reference as Docker does: the grammar and the normalisation of github.com/distribution/reference
 * (`ParseNormalizedNamed`, then `TagNameOnly`). `ubuntu` becomes `docker.io/library/ubuntu:latest`.
 *
 * @throws EngineError `invalid_argument` that says which part is wrong and shows right ones
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty')
  if (text.length > maximumTextLength) throw invalid(`${text.slice(0, 60)}...`, `it has ${text.length} characters`)
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(
      text,
      'a repository name cannot be 64 hexadecimal digits (an image id is not a name to pull; a digest is written repository@sha256:...)'
    )
  }
  const { domain, rest } = splitDomain(text)
  const at = rest.indexOf('@')
  const beforeDigest = at < 0 ? rest : rest.slice(0, at)
  // A port cannot be here: it went with the domain. So the first colon begins the tag.
  const colon = beforeDigest.indexOf(':')
  const path = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon)
  const tag = colon < 0 ? undefined : beforeDigest.slice(colon + 1)
  const digest = at < 0 ? undefined : rest.slice(at + 1)

  checkName(text, domain, path)
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, tagProblem(tag))
  if (digest === undefined) return { domain, path, tag: tag ?? 'latest' }
  if (!isDigest(digest)) {
    throw invalid(text, `the digest ${JSON.stringify(digest)} is not of the form sha256: and 64 lower-case hex digits`)
  }
  return { domain, path, ...(tag === undefined ? {} : { tag }), digest }
}

/** The whole spelling, the key under which references are stored: `docker.io/library/ubuntu:latest`. */
export function canonical(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`
}

/** The short spelling that Docker shows: `ubuntu:latest`. */
export function familiar(reference: Reference): string {
  return familiarName(reference) + suffix(reference)
}

/** The short spelling of the repository alone: `ubuntu`. It always reads back as the same repository. */
export function familiarName(reference: Reference): string {
  const { domain, path } = reference
  const [first = '', ...others] = path.split('/')
  if (domain !== defaultDomain) return `${domain}/${path}`
  if (first === 'library' && others.length === 1) return others.join('/')
  // Without its domain, a first part like a.b or localhost would be read as one.
  return others.length > 0 && looksLikeDomain(first) ? `${domain}/${path}` : path
}

/** The same repository by digest and without a tag: what a pulled tag is also known as. */
export function withDigest(reference: Reference, digest: Digest): Reference {
  return { domain: reference.domain, path: reference.path, digest }
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`)
}

/** The rule of `splitDockerDomain`: a first part is a registry when it has a dot, a colon or a capital, or is `localhost`. */
function looksLikeDomain(first: string): boolean {
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
}

function splitDomain(text: string): { readonly domain: string; readonly rest: string } {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const named = slash >= 0 && looksLikeDomain(first)
  const domain = named ? first : defaultDomain
  const rest = named ? text.slice(slash + 1) : text
  if (domain !== defaultDomain && domain !== legacyDefaultDomain) return { domain, rest }
  return { domain: defaultDomain, rest: rest.includes('/') ? rest : `library/${rest}` }
}

function checkName(text: string, domain: string, path: string): void {
  if (/^[a-z]+:\/\//i.test(text)) throw invalid(text, `a reference has no scheme: leave out ${text.slice(0, text.indexOf('/') + 2)}`)
  if (/\s/.test(text)) throw invalid(text, 'it has white space in it')
  if (path !== path.toLowerCase()) {
    throw invalid(text, 'repository name must be lowercase', `did you mean ${familiarName({ domain, path: path.toLowerCase() })}?`)
  }
  if (!domainPattern.test(domain)) throw invalid(text, `${JSON.stringify(domain)} is not a registry's host name`)
  if (!pathPattern.test(path)) {
    throw invalid(
      text,
      `${JSON.stringify(path)} is not a repository name: its parts are lower-case letters and digits, joined by single dots, one or two underscores, or dashes`
    )
  }
  if (path.length > maximumPathLength) throw invalid(text, `repository name must not be more than ${maximumPathLength} characters`)
}

function tagProblem(tag: string): string {
  if (tag === '') return 'the tag after the colon is empty'
  if (tag.length > 128) return `the tag has ${tag.length} characters, 128 are allowed`
  return `the tag ${JSON.stringify(tag)} may only hold letters, digits, underscores, dots and dashes, and begins with none of the last two`
}

function invalid(text: string, problem: string, hint = `write one ${examples}`): EngineError {
  return new EngineError('invalid_argument', `invalid reference format: ${problem}: ${JSON.stringify(text)}; ${hint}`, {
    details: { reference: text }
  })
}
