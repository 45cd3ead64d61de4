/** An image reference taken apart as far as the Engine API's parameters need it. Whether it is well-formed is the engine's to say. */
export interface ReferenceParts {
  /** Registry and repository, as they were written. */
  readonly name: string
  /** A tag, or a digest. @default latest */
  readonly tag: string
}

/** Take a reference apart: `registry:5000/a/b:tag`, `a@sha256:...`. A tag beside a digest means nothing to an engine. */
export function splitReference(reference: string): ReferenceParts {
  const at = reference.indexOf('@')
  const named = at === -1 ? reference : reference.slice(0, at)
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const name = colon === -1 ? named : named.slice(0, colon)
  if (at !== -1) return { name, tag: reference.slice(at + 1) }
  return { name, tag: colon === -1 ? 'latest' : named.slice(colon + 1) }
}

/** The registry a reference names; Docker Hub's when it names none. Whoever answers for the name is told by the same rule, so that a login goes there. */
export function registryOf(reference: string): string {
  const [first = ''] = splitRegistry(reference)
  return first === '' || first === 'index.docker.io' ? 'docker.io' : first
}

/** The repository a reference names at its registry: `library/alpine`, `team/app`. */
export function repositoryOf(reference: string): string {
  const [, rest] = splitRegistry(splitReference(reference).name)
  return registryOf(reference) === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest
}

/** Docker's rule: a first part is a registry when it has a dot, a colon or a capital, or is `localhost`. */
function splitRegistry(reference: string): readonly [registry: string, rest: string] {
  const slash = reference.indexOf('/')
  const first = reference.slice(0, Math.max(slash, 0))
  const isRegistry = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase()
  return isRegistry ? [first, reference.slice(slash + 1)] : ['', reference]
}
