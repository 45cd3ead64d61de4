import { randomBytes } from 'node:crypto'
import { NetworkCreate, NetworkDelete } from '../../api/index.js'
import { keepLabel, sessionLabel } from '../../api/labels.js'
import { isAtLeast } from '../../api/versions.js'
import { EngineError } from '../../errors/index.js'
import { checkAbortable } from '../call-scope.js'
import { checkBoolean, checkKeys, checkString, checkTexts, optional, wrongSetting } from '../checks.js'
import { call, callThrough, type EngineContext } from '../context.js'
import type { Abortable } from '../values.js'
import type { Network, NetworkOptions } from './network.js'

/** Since then an engine has no two networks of one name. */
const uniqueSince = '1.44'

/** A network of an engine. */
export class NetworkHandle implements Network {
  readonly id: string
  readonly name: string
  readonly #context: EngineContext

  constructor(context: EngineContext, facts: { readonly id: string; readonly name: string }) {
    this.id = facts.id
    this.name = facts.name
    this.#context = context
    Object.freeze(this)
  }

  async remove(options: Abortable = {}): Promise<void> {
    const limits = checkAbortable('remove', checkKeys('remove', options, ['signal', 'timeout']))
    await call(this.#context, NetworkDelete, { path: { id: this.id } }, limits)
    this.#context.session.forget('network', this.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeNetwork(this.#context, this.id)
  }
}

/** `docker network create`. It is the session's, unless it is kept. */
export async function createNetwork(context: EngineContext, name: unknown, options: NetworkOptions): Promise<Network> {
  const given = checkKeys('network', options, ['subnet', 'ipv6', 'internal', 'driver', 'label', 'keep', 'signal', 'timeout'])
  const { signal } = checkAbortable('network', given)
  const Name = optional(checkString, 'network', name) ?? `gantry-${randomBytes(6).toString('hex')}`
  const subnet = optional(checkString, 'network.subnet', given.subnet)
  const ipv6 = optional(checkBoolean, 'network.ipv6', given.ipv6)
  const internal = optional(checkBoolean, 'network.internal', given.internal)
  const driver = optional(checkString, 'network.driver', given.driver)
  const labels = optional(checkTexts, 'network.label', given.label)
  const keep = optional(checkBoolean, 'network.keep', given.keep) ?? false
  const body = {
    Name,
    ...(driver !== undefined && { Driver: driver }),
    ...(internal !== undefined && { Internal: internal }),
    ...(ipv6 !== undefined && { EnableIPv6: ipv6 }),
    ...(subnet !== undefined && { IPAM: { Config: [{ Subnet: subnet }] } }),
    ...(!isAtLeast(context.transport.apiVersion, uniqueSince) && { CheckDuplicate: true }),
    Labels: { ...labels, [sessionLabel]: context.session.id, ...(keep && { [keepLabel]: 'true' }) }
  }
  signal?.throwIfAborted()
  // Not cut off: it may have made a network whose id nobody would know.
  const id = await context.session.create('network', keep, async () => (await callThrough(context, NetworkCreate, { body })).Id)
  return new NetworkHandle(context, { id, name: Name })
}

/** Remove a network; one that is gone is fine. */
export async function removeNetwork(context: EngineContext, id: string): Promise<void> {
  try {
    await callThrough(context, NetworkDelete, { path: { id } })
  } catch (error) {
    if (!EngineError.is(error) || error.code !== 'not_found') throw error
  }
  context.session.forget('network', id)
}

/** The id of what a verb was given as a network. */
export function networkId(path: string, network: unknown): string {
  if (network instanceof NetworkHandle) return network.id
  throw wrongSetting(path, 'a network of engine.network()', network)
}
