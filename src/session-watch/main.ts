import {
  ContainerDelete,
  ContainerList,
  keepLabel,
  NetworkDelete,
  NetworkList,
  RegistryDelete,
  RegistryList,
  sessionLabel,
  VolumeDelete,
  VolumeList
} from '../api/index.js'
import { orderVariable, type WatchOrder } from '../engine/session-watch.js'
import { openHttp } from '../transport/http/open-http.js'
import type { Transport } from '../transport/transport.js'

/** An engine that is gone for longer than this takes its containers with it or keeps them. */
const attempts = 5
const pauseMs = 2_000

const notKept = (labels: Readonly<Record<string, string>> | null | undefined) => labels?.[keepLabel] !== 'true'

/** Containers first: networks and volumes are in use until then. */
async function removeAll(transport: Transport, session: string): Promise<void> {
  const filters = { label: [`${sessionLabel}=${session}`] }
  const containers = await transport.call(ContainerList, { query: { all: true, filters } })
  const removal = (id: string) => transport.call(ContainerDelete, { path: { id }, query: { force: true, v: true } })
  await Promise.allSettled(containers.filter(({ Labels }) => notKept(Labels)).map(({ Id }) => removal(Id)))
  const [networks, volumes, registries] = await Promise.all([
    transport.call(NetworkList, { query: { filters } }),
    transport.call(VolumeList, { query: { filters } }),
    // No engine but Gantry has them.
    transport.call(RegistryList, { query: { filters } }).catch(() => [])
  ])
  await Promise.allSettled([
    ...registries.map(({ Id }) => transport.call(RegistryDelete, { path: { id: Id } })),
    ...networks.filter(({ Labels }) => notKept(Labels)).map(({ Id = '' }) => transport.call(NetworkDelete, { path: { id: Id } })),
    ...(volumes.Volumes ?? [])
      .filter(({ Labels }) => notKept(Labels))
      .map(({ Name }) => transport.call(VolumeDelete, { path: { name: Name }, query: {} }))
  ])
}

async function main({ session, ...reach }: WatchOrder): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const transport = await openHttp(reach)
      try {
        return await removeAll(transport, session)
      } finally {
        await transport.close()
      }
    } catch (error) {
      if (attempt === attempts) throw error
      await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
  }
}

/** On Windows there is no shell that waits: this program does, for the word or the end of its standard input. */
async function closedInOrder(): Promise<boolean> {
  if (process.platform !== 'win32') return false
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  return text.includes('closed')
}

async function start(): Promise<void> {
  const order = process.env[orderVariable]
  // What the variable holds was written by SessionWatch.
  if (order !== undefined && !(await closedInOrder())) await main(JSON.parse(order) as WatchOrder)
}

void start()
