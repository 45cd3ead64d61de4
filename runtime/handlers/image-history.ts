import type { ImageHistoryResponseItem } from '../../src/api/index.js'
import type { ImageRecord } from '../images/image-service.js'

/** What of the layers a history needs. */
export interface LayerSizes {
  layerSizes(): ReadonlyMap<string, { readonly sizeBytes: number; readonly parent?: string }>
}

/**
 * The steps in which an image was made, the last one first, as `docker history` shows them.
 *
 * @param parents the images that it was committed from and that are still here, the nearest first
 */
export function imageHistory(
  image: ImageRecord,
  parents: readonly ImageRecord[],
  snapshotter: LayerSizes
): readonly ImageHistoryResponseItem[] {
  const sizes = layersOf(image, snapshotter)
  const images = new Map([...parents, image].map(known => [known.history.length - 1, known]))
  const steps = image.history.map((step, index) => {
    const made = images.get(index)
    return {
      // Most steps are no image that is known here.
      Id: made?.id ?? '<missing>',
      Created: unixSeconds(step.created),
      CreatedBy: step.created_by ?? '',
      Tags: made === undefined || made.tags.length === 0 ? null : made.tags,
      Size: step.empty_layer ? 0 : (sizes.shift() ?? 0),
      Comment: step.comment ?? ''
    }
  })
  return steps.reverse()
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
