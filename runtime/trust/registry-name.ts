const hubNames: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/**
 * A registry's name in one spelling: a rule for `ghcr.io` must hold for `GHCR.IO` and `ghcr.io:443`, which lead to the same registry, as well. What
 * leads there by an address or an alias of DNS is another name.
 */
export function registryName(domain: string): string {
  const host = domain.toLowerCase().replace(/:(443|80)$/, '')
  return hubNames.has(host) ? 'docker.io' : host
}
