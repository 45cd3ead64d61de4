import type { ImageRecord } from '../images/image-service.js'
import type { LayerSizes } from './image-history.js'

/** What images share with each other. */
export interface SharedSizes {
  /** Bytes of all layers, each counted once. */
  readonly totalBytes: number
  /** Bytes of an image's layers that another one has too. */
  sharedBytes(imageId: string): number
}

/** Work out what images share. */
export function sharedSizes(images: readonly Pick<ImageRecord, 'id' | 'chainId'>[], snapshotter: LayerSizes): SharedSizes {
  const layers = snapshotter.layerSizes()
  const chains = new Map<string, readonly string[]>()
  const users = new Map<string, number>()
  for (const { id, chainId } of images) {
    const chain: string[] = []
    for (let next = chainId; next !== undefined; next = layers.get(next)?.parent) chain.push(next)
    chains.set(id, chain)
    for (const layer of chain) users.set(layer, (users.get(layer) ?? 0) + 1)
  }
  const sizeOf = (some: readonly string[]) => some.reduce((sum, layer) => sum + (layers.get(layer)?.sizeBytes ?? 0), 0)
  return {
    totalBytes: sizeOf([...users.keys()]),
    sharedBytes: imageId => sizeOf((chains.get(imageId) ?? []).filter(layer => (users.get(layer) ?? 0) > 1))
  }
}
