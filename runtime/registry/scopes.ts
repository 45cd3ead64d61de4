/** To read and write a repository, as token services spell it: distribution's docs/spec/auth/scope.md. */
export function pushScope(path: string): string {
  return `repository:${path}:pull,push`
}

/** To read a repository. */
export function pullScope(path: string): string {
  return `repository:${path}:pull`
}

/** All that is in either of two lists: what a registry asks for a request, and what the requests after it will need. */
export function mergeScopes(asked: readonly string[], needed: readonly string[]): readonly string[] {
  const actions = new Map<string, Set<string>>()
  for (const scope of [...asked, ...needed].filter(text => text !== '')) {
    // A name may have a port, and so colons, in it.
    const colon = scope.lastIndexOf(':')
    const resource = colon < 0 ? scope : scope.slice(0, colon)
    const known = actions.get(resource) ?? new Set()
    for (const action of colon < 0 ? [] : scope.slice(colon + 1).split(',')) known.add(action)
    actions.set(resource, known)
  }
  return [...actions].map(([resource, names]) => (names.size === 0 ? resource : `${resource}:${[...names].join(',')}`))
}
