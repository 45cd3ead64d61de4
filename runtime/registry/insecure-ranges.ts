import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { EngineError } from '../../src/errors/index.js'

/** Docker counts this machine's own registries as insecure. */
export const alwaysInsecureRanges: readonly string[] = ['::1/128', '127.0.0.0/8']

/** How long a host's addresses are taken to be the same, in milliseconds. */
const keptMs = 60_000

/** Ranges of addresses whose registries are reached by plain HTTP or unchecked TLS, as dockerd's `insecure-registries` may name them. */
export class InsecureRanges {
  readonly #ranges = new BlockList()
  readonly #known = new Map<string, { readonly isInside: boolean; readonly until: number }>()
  readonly #isEmpty: boolean

  /** @throws EngineError `invalid_argument` for what is no range */
  constructor(ranges: readonly string[]) {
    this.#isEmpty = ranges.length === 0
    for (const range of ranges) {
      const { address, prefix, family } = parseRange(range)
      this.#ranges.addSubnet(address, prefix, family)
    }
  }

  /** Whether one of a host's addresses is in one of the ranges. A host that has no address is in none. */
  async has(host: string): Promise<boolean> {
    if (this.#isEmpty) return false
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
    const known = this.#known.get(name)
    if (known !== undefined && known.until > Date.now()) return known.isInside
    const addresses = isIP(name) === 0 ? await lookup(name, { all: true }).catch(() => []) : [{ address: name, family: isIP(name) }]
    const isInside = addresses.some(({ address, family }) => this.#ranges.check(address, family === 6 ? 'ipv6' : 'ipv4'))
    this.#known.set(name, { isInside, until: Date.now() + keptMs })
    return isInside
  }
}

/** Whether a text is meant as a range of addresses and no host. */
export function isRange(text: string): boolean {
  return /^[^/]+\/\d+$/.test(text)
}

/** Take `10.0.0.0/8` apart. @throws EngineError `invalid_argument` */
export function parseRange(text: string): { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' } {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  const prefix = Number(digits)
  if (version === 0 || digits === '' || prefix > (version === 4 ? 32 : 128)) {
    throw new EngineError('invalid_argument', `insecure registry ${text} is no range of addresses: expected something like 10.0.0.0/8`, {
      details: { range: text }
    })
  }
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}
