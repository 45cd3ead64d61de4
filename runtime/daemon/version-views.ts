import {
  type ContainerInspectResponse,
  type EventMessage,
  type ImageInspectResponse,
  type ImageSummary,
  isAtLeast,
  type OperationInput,
  type SystemDataUsageResponse
} from '../../src/api/index.js'
import { diskUsageView } from './disk-usage-view.js'
import { mapStream } from './map-stream.js'

/** Changes an operation's output into what an API version shows of it. */
type View = (output: unknown, version: string, input: OperationInput) => unknown

// Each cast has one reason: an operation's output is what its handler gives.
const views: Readonly<Record<string, View>> = {
  SystemEvents: (output, version) => (isAtLeast(version, '1.52') ? output : withOldFields(output as AsyncIterable<EventMessage>)),
  ContainerInspect: (output, version) => (isAtLeast(version, '1.52') ? withoutOldAddresses(output as ContainerInspectResponse) : output),
  SystemDataUsage: (output, version, input) =>
    isAtLeast(version, '1.52') ? diskUsageView(output as SystemDataUsageResponse, isVerbose(input)) : output,
  ImageInspect(output, version) {
    const { VirtualSize, Parent, DockerVersion, ...image } = output as ImageInspectResponse
    if (isAtLeast(version, '1.52')) return image
    return { ...image, Parent: Parent ?? '', DockerVersion: DockerVersion ?? '', ...(!isAtLeast(version, '1.44') && { VirtualSize }) }
  },
  ImageList: (output, version) => (output as readonly ImageSummary[]).map(image => imageSummaryFor(image, version))
}

/** An operation's output as clients of an API version expect it. */
export function viewFor(operationId: string, output: unknown, version: string, input: OperationInput): unknown {
  const view = views[operationId]
  return view === undefined ? output : view(output, version, input)
}

function imageSummaryFor({ VirtualSize, ...image }: ImageSummary, version: string): ImageSummary {
  if (isAtLeast(version, '1.44')) return image
  const isNameless = image.RepoTags?.length === 0 && image.RepoDigests?.length === 0
  return {
    ...image,
    ...(VirtualSize !== undefined && { VirtualSize }),
    ...(isNameless && !isAtLeast(version, '1.43') && { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] })
  }
}

/** What events of containers and images looked like at first; docker-compose 1 and docker-py read nothing else. */
function withOldFields(events: AsyncIterable<EventMessage>): AsyncIterable<EventMessage> {
  return mapStream(events, event => {
    const { Type, Action, Actor } = event
    if (Type === 'container') return { status: Action, id: Actor.ID, from: Actor.Attributes.image ?? '', ...event }
    // A prune is of no image in particular.
    return Type === 'image' ? { status: Action, ...(Actor.ID !== '' && { id: Actor.ID }), ...event } : event
  })
}

/** Addresses stand with the networks they are of. */
function withoutOldAddresses(container: ContainerInspectResponse): ContainerInspectResponse {
  const { SandboxID, SandboxKey, Ports, Networks } = container.NetworkSettings
  return { ...container, NetworkSettings: { SandboxID, SandboxKey, Ports, Networks } }
}

function isVerbose({ query }: OperationInput): boolean {
  return query !== undefined && 'verbose' in query && query.verbose === true
}
