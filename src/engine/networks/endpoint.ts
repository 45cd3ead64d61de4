import type { EndpointSettings } from '../../api/index.js'
import { checkString, checkTextOrTexts, optional } from '../checks.js'

/** A container's place in a network, as it was asked for. */
export interface Endpoint {
  readonly aliases?: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
}

/** Check what is said of a place in a network. `path` is the verb's name. */
export function checkEndpoint(path: string, given: Readonly<Record<string, unknown>>): Endpoint {
  const aliases = optional(checkTextOrTexts, `${path}.alias`, given.alias)
  const ipv4 = optional(checkString, `${path}.ipv4`, given.ipv4)
  const ipv6 = optional(checkString, `${path}.ipv6`, given.ipv6)
  return { ...(aliases && { aliases }), ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) }
}

/** The same in the Engine API's spelling. */
export function endpointSettings({ aliases, ipv4, ipv6 }: Endpoint): EndpointSettings {
  return {
    ...(aliases && { Aliases: aliases }),
    ...((ipv4 !== undefined || ipv6 !== undefined) && {
      IPAMConfig: { ...(ipv4 !== undefined && { IPv4Address: ipv4 }), ...(ipv6 !== undefined && { IPv6Address: ipv6 }) }
    })
  }
}
