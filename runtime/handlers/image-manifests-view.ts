import type { ImageManifestSummary, OCIDescriptor } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ManifestFacts } from '../images/manifest-facts.js'

/** An image's manifests as lists and inspections show them when they are asked for. */
export async function manifestsView(
  { images, store }: Pick<ContainerContext, 'images' | 'store'>,
  imageId: string
): Promise<{ readonly Descriptor: OCIDescriptor; readonly Manifests: readonly ImageManifestSummary[] }> {
  const { target, manifests } = await images.manifests(imageId)
  const containersOf = (id: string | undefined) =>
    store
      .list()
      .filter(record => id !== undefined && record.imageId === id)
      .map(({ id: containerId }) => containerId)
  return { Descriptor: target, Manifests: manifests.map(facts => summaryOf(facts, containersOf(facts.imageId))) }
}

function summaryOf(facts: ManifestFacts, containers: readonly string[]): ImageManifestSummary {
  const { descriptor, kind, isAvailable, contentBytes, unpackedBytes, platform, subject } = facts
  return {
    ID: descriptor.digest,
    Descriptor: descriptor,
    Available: isAvailable,
    Size: { Content: contentBytes, Total: contentBytes + unpackedBytes },
    Kind: kind,
    ...(kind === 'image' && {
      ImageData: {
        Platform: platform ?? { os: 'unknown', architecture: 'unknown' },
        Containers: containers,
        Size: { Unpacked: unpackedBytes }
      }
    }),
    ...(subject !== undefined && { AttestationData: { For: subject } })
  }
}
