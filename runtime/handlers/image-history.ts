import type { ImageHistoryResponseItem } from '../../src/api/index.js'
import type { ImageRecord } from '../images/image-service.js'

/** What of the layers a history needs. */
export interface LayerSizes {
  layerSizes(): ReadonlyMap<string, { readonly sizeBytes: number; readonly parent?: string }>
}

/** The steps in which an image was made, the last one first, as `docker history` shows them. */
export function imageHistory(image: ImageRecord, snapshotter: LayerSizes): readonly ImageHistoryResponseItem[] {
  const sizes = layersOf(image, snapshotter)
  const steps = image.history.map(step => ({
    // Only the last step is an image of its own that is known here.
    Id: '<missing>',
    Created: unixSeconds(step.created),
    CreatedBy: step.created_by ?? '',
    Tags: null,
    Size: step.empty_layer ? 0 : (sizes.shift() ?? 0),
    Comment: step.comment ?? ''
  }))
  const [last, ...earlier] = steps.reverse()
  return last === undefined ? [] : [{ ...last, Id: image.id, Tags: image.tags.length === 0 ? null : image.tags }, ...earlier]
}

/** Bytes of the image's layers, the bottom one first. */
function layersOf(image: ImageRecord, snapshotter: LayerSizes): number[] {
  const layers = snapshotter.layerSizes()
  const sizes: number[] = []
  for (let next = image.chainId; next !== undefined; next = layers.get(next)?.parent) sizes.unshift(layers.get(next)?.sizeBytes ?? 0)
  return sizes
}

function unixSeconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000)
}
