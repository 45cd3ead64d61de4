import { NetworkConnect } from '../../api/index.js'
import { callWith, type EngineContext } from '../context.js'
import { packRecord, packTree } from '../files/pack-tree.js'
import { putArchive } from '../files/put-archive.js'
import type { SpecSettings } from '../images/spec-settings.js'
import { endpointSettings } from '../networks/endpoint.js'

/** Whether a spec asks for something that the container's creation itself does not do. */
export function needsPreparing(spec: SpecSettings): boolean {
  return (spec.networks?.length ?? 0) > 1 || (spec.mounts?.some(mount => 'copied' in mount) ?? false)
}

/** Connect a container to its further networks (engines before API 1.44 take one with the creation), and copy files into it. */
export async function prepareContainer(context: EngineContext, spec: SpecSettings, id: string, signal: AbortSignal): Promise<void> {
  for (const network of spec.networks?.slice(1) ?? []) {
    const body = { Container: id, EndpointConfig: endpointSettings(network.endpoint) }
    await callWith(context, NetworkConnect, { path: { id: network.id }, body }, { signal })
  }
  for (const mount of spec.mounts ?? []) {
    if (!('copied' in mount)) continue
    const { copied, target } = mount
    await putArchive(context, id, target, signal, name => (typeof copied === 'string' ? packTree(copied, name) : packRecord(copied, name)))
  }
}
