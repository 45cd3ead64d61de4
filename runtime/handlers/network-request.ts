import { type IPAM, keepLabel, type NetworkCreateRequest } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { checkPool } from '../networks/check-pool.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { NetworkRequest } from '../networks/network-manager.js'
import type { AddressPool } from '../networks/network-record.js'

/** Drivers that Docker has and that are not built here. */
const otherDrivers: readonly string[] = ['overlay', 'macvlan', 'ipvlan']

/**
 * What `POST /networks/create` asks for.
 *
 * @param options.keep Whatever the session makes outlives it
 * @throws EngineError in Docker's words; `not_implemented` for what is not built, by its name
 */
export function networkRequest(body: NetworkCreateRequest, options: { readonly keep: boolean }): NetworkRequest {
  const { Name: name, Driver: driver = 'bridge', Scope: scope } = body
  const details = { network: name }
  if (name === '') throw new EngineError('failed', 'invalid name: ', { details })
  if (predefinedNetworks.includes(name) || name === 'default') {
    throw new EngineError('permission_denied', `operation is not permitted on predefined ${name} network `, { details })
  }
  if (scope !== undefined && scope !== '' && scope !== 'local') throw notBuilt('Scope', scope)
  if (driver === 'host' || driver === 'null') {
    throw new EngineError('permission_denied', `only one instance of "${driver}" network is allowed`, { details })
  }
  if (otherDrivers.includes(driver)) throw notBuilt('Driver', driver)
  if (driver !== 'bridge' && driver !== '')
    throw new EngineError('not_found', `plugin "${driver}" not found`, { details: { ...details, driver } })
  for (const field of ['Ingress', 'ConfigOnly', 'EnableIPv6'] as const) if (body[field]) throw notBuilt(field, true)
  if (body.EnableIPv4 === false) throw notBuilt('EnableIPv4', false)
  if (body.ConfigFrom?.Network) throw notBuilt('ConfigFrom', body.ConfigFrom.Network)
  return {
    name,
    pool: addressPool(body.IPAM ?? {}),
    internal: body.Internal ?? false,
    attachable: body.Attachable ?? false,
    labels: body.Labels ?? {},
    options: body.Options ?? {},
    keep: options.keep || body.Labels?.[keepLabel] === 'true'
  }
}

function addressPool(ipam: IPAM): AddressPool {
  const { Driver: driver = 'default', Options: options, Config: config } = ipam
  if (driver !== 'default' && driver !== '') throw new EngineError('not_found', `plugin "${driver}" not found`, { details: { driver } })
  if (options && Object.keys(options).length > 0) throw notBuilt('IPAM.Options', options)
  const [only = {}, ...others] = config ?? []
  if (others.length > 0) throw notBuilt('IPAM.Config', config)
  const { Subnet, IPRange, Gateway, AuxiliaryAddresses } = only
  if (Subnet?.includes(':')) throw notBuilt('IPAM.Config.Subnet', Subnet)
  return checkPool({
    ...(Subnet && { subnet: Subnet }),
    ...(IPRange && { range: IPRange }),
    ...(Gateway && { gateway: Gateway }),
    ...(AuxiliaryAddresses && Object.keys(AuxiliaryAddresses).length > 0 && { auxiliary: AuxiliaryAddresses })
  })
}

function notBuilt(field: string, value: unknown): EngineError {
  return new EngineError('not_implemented', `${field}: ${JSON.stringify(value)} is not built yet in the in-process runtime`, {
    details: { field, value }
  })
}
