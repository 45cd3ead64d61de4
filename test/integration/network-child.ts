import { randomUUID } from 'node:crypto'
import { createHost } from '../../runtime/host/create-host.js'
import { openMetadataStore } from '../../runtime/metadata/lmdb-store.js'
import { createNetworkManager } from '../../runtime/networks/create-network-manager.js'
import type { Endpoint, NetworkRecord } from '../../runtime/networks/network-record.js'

/** What a test asks of this process, which is another user of the same data root, often in another network namespace. */
export type ChildRequest =
  | { readonly action: 'connect'; readonly count: number }
  | { readonly action: 'disconnect'; readonly containerId: string }
  | { readonly action: 'network' }
  | { readonly action: 'create'; readonly name: string; readonly keep: boolean }
  | { readonly action: 'publish'; readonly connection: ChildConnection; readonly hostPort: number }
  | { readonly action: 'close' }

export interface ChildConnection {
  readonly containerId: string
  readonly namespacePath: string
  readonly endpoint: Endpoint
}

export type ChildAnswer =
  | { readonly connections: readonly ChildConnection[] }
  | { readonly network: NetworkRecord }
  | { readonly error: { readonly code: unknown; readonly message: string } }
  | { readonly done: true }

/** Arguments: metadata path, run root, tag. */
async function main([metadataPath = '', runRoot = '', tag = '']: readonly string[]): Promise<void> {
  const metadata = await openMetadataStore({ path: metadataPath })
  const host = await createHost({ runRoot })
  const networks = await createNetworkManager({ host, metadata, tag, lockPath: `${runRoot}/networks.lock` })

  async function connect(): Promise<ChildConnection> {
    const containerId = randomUUID()
    const endpoints = [{ networkId: (await networks.get('bridge')).id, names: [] }]
    const request = { containerId, containerName: containerId, endpoints }
    const sandbox = await networks.connect(request, { signal: new AbortController().signal })
    const { namespacePath } = sandbox
    const [endpoint] = sandbox.endpoints
    if (endpoint === undefined) throw new Error('no endpoint')
    return { containerId, namespacePath, endpoint }
  }

  async function answer(request: ChildRequest): Promise<ChildAnswer> {
    switch (request.action) {
      case 'connect':
        return { connections: await Promise.all(Array.from({ length: request.count }, connect)) }
      case 'disconnect':
        await networks.disconnect(request.containerId)
        return { done: true }
      case 'network':
        return { network: await networks.get('bridge') }
      case 'create': {
        const { name, keep } = request
        const settings = { pool: {}, internal: false, attachable: false, labels: {}, options: {} }
        return { network: await networks.create({ name, keep, ...settings }) }
      }
      case 'publish': {
        const { containerId, endpoint } = request.connection
        const hostPorts = { first: request.hostPort, last: request.hostPort }
        const ports = [{ protocol: 'tcp', containerPort: 7000, hostPorts }] as const
        await networks.publish({ containerId, containerName: containerId, endpoint, ports })
        return { done: true }
      }
      case 'close':
        await networks.close()
        await host.close()
        await metadata.close()
        return { done: true }
    }
  }

  process.on('message', (request: ChildRequest) => {
    answer(request).then(
      value => process.send?.(value),
      error => process.send?.({ error: { code: error.code, message: error.message } })
    )
  })
  process.send?.({ done: true })
}

void main(process.argv.slice(2))
