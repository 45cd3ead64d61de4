/** Docker Hub, as the docker CLI's file and credential helpers spell it. */
export const hubServer = 'https://index.docker.io/v1/'

const hubHosts: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/** The host of a server's address in any spelling, with its port: without scheme and path, as Docker's `ConvertToHostname`. */
export function hostOfServer(address: string): string {
  const rest = address.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  return rest.split('/', 1)[0] ?? ''
}

/** Whether an address means Docker Hub. */
export function isHub(address: string): boolean {
  return hubHosts.has(hostOfServer(address).toLowerCase())
}

/**
 * The name of a server in the docker CLI's file and in credential helpers.
 *
 * @param address - `docker.io`, `localhost:5000`, `https://registry.example/v2/`; nothing is Docker Hub
 */
export function serverName(address: string): string {
  return address === '' || isHub(address) ? hubServer : hostOfServer(address)
}

/**
 * The key of a map of the docker CLI's file that is about a server: the CLI's own spelling first, then others that mean the same host.
 *
 * @param server - from {@link serverName}
 */
export function findServerKey(map: Readonly<Record<string, unknown>>, server: string): string | undefined {
  if (Object.hasOwn(map, server)) return server
  return Object.keys(map).find(key => serverName(key) === server && key !== '')
}
