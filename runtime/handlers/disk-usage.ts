import type { ContainerSummary, Handlers, ImageSummary } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { sharedSizes } from './shared-sizes.js'
import { volumeUsage } from './volume-handlers.js'

const kinds = ['container', 'image', 'volume', 'build-cache'] as const

/** What the disk usage is put together from: the lists that the engine gives anyway. */
export type UsageLists = Pick<Handlers, 'ImageList' | 'ContainerList'>

/** `GET /system/df`. */
export function diskUsageHandlers(context: ContainerContext, lists: UsageLists): Handlers {
  return {
    async SystemDataUsage({ query }, { signal }) {
      const wanted = wantedKinds(query?.type ?? [])
      const call = { signal }
      const [images, containers, volumes] = await Promise.all([
        wanted.has('image') || wanted.has('container') ? lists.ImageList?.({ query: { all: true } }, call) : [],
        wanted.has('image') || wanted.has('container')
          ? lists.ContainerList?.({ query: { all: true, size: wanted.has('container') } }, call)
          : [],
        wanted.has('volume') ? volumeUsage(context) : undefined
      ])
      return {
        ...(wanted.has('image') && (await imageUsage(context, images ?? [], containers ?? []))),
        ...(wanted.has('container') && { Containers: containers ?? [] }),
        ...(volumes && { Volumes: volumes }),
        ...(wanted.has('build-cache') && { BuildCache: [] })
      }
    }
  }
}

/** Layers count once, however many images have them. */
async function imageUsage(context: ContainerContext, images: readonly ImageSummary[], containers: readonly ContainerSummary[]) {
  const listed = new Set(images.map(({ Id }) => Id))
  const records = (await context.images.list()).filter(({ id }) => listed.has(id))
  const { totalBytes, sharedBytes } = sharedSizes(records, context.snapshotter)
  return {
    LayersSize: totalBytes,
    Images: images.map(image => ({
      ...image,
      Containers: containers.filter(({ ImageID }) => ImageID === image.Id).length,
      SharedSize: sharedBytes(image.Id)
    }))
  }
}

function wantedKinds(types: readonly string[]): ReadonlySet<string> {
  const unknown = types.find(type => !(kinds as readonly string[]).includes(type))
  if (unknown !== undefined) {
    throw new EngineError('invalid_argument', `unknown object type: ${unknown}`, { details: { field: 'query.type', value: unknown } })
  }
  return new Set(types.length === 0 ? kinds : types)
}
