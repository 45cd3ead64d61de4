import { EngineError } from '../../src/errors/index.js'

/** Where a daemon listens, taken apart. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly hostname: string; readonly port: number }

const examples = 'unix:///run/gantry.sock or tcp://0.0.0.0:2376'

/** The kernel's limit for a socket's path, less what the temporary name beside it needs. */
const longestPath = 103

/** Docker's ports: with TLS, and without. */
const tlsPort = 2376
const plainPort = 2375

/**
 * Take an address apart, as `docker`'s and `dockerd`'s `-H` spell it.
 *
 * @throws EngineError `invalid_argument`, and `not_supported` for `fd://`
 */
export function parseListenAddress(address: string, hasTls: boolean): ListenAddress {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/s.exec(address) ?? []
  switch (scheme) {
    case 'unix':
      return unixAddress(address, rest)
    case 'tcp':
      return tcpAddress(address, rest, hasTls)
    case 'fd':
      throw new EngineError(
        'not_supported',
        `${address}: sockets handed over by systemd (fd://) are not supported; listen on ${examples}`,
        {
          details: { address }
        }
      )
    default:
      throw invalid(address, address.startsWith('/') ? `write unix://${address}` : `expected something like ${examples}`)
  }
}

function unixAddress(address: string, path: string): ListenAddress {
  if (!path.startsWith('/') || path.endsWith('/')) throw invalid(address, `unix:// must be followed by an absolute path, as in ${examples}`)
  if (Buffer.byteLength(path) > longestPath) throw invalid(address, `a socket's path may have at most ${longestPath} bytes`)
  return { kind: 'unix', path }
}

function tcpAddress(address: string, rest: string, hasTls: boolean): ListenAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/[\]]*))(?::(\d{1,5}))?\/?$/.exec(rest) ?? []
  const hostname = bracketed ?? plain
  if (hostname === undefined || Number(port ?? 0) > 65_535) throw invalid(address, `expected something like ${examples}`)
  return { kind: 'tcp', hostname: hostname === '' ? '127.0.0.1' : hostname, port: port === undefined ? defaultPort(hasTls) : Number(port) }
}

function defaultPort(hasTls: boolean): number {
  return hasTls ? tlsPort : plainPort
}

function invalid(address: string, why: string): EngineError {
  return new EngineError('invalid_argument', `${JSON.stringify(address)} is no address to listen on: ${why}`, { details: { address } })
}
