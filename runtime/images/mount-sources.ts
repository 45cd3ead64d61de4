import type { MetadataStore } from '../metadata/metadata-store.js'
import { parseReference, type Reference } from '../registry/reference.js'
import type { StoredImage, StoredReference } from './image-records.js'

/** Docker tries as many. */
const maximumSources = 4

/**
 * Repositories of the same registry that had a blob when an image of theirs was pulled or pushed, those nearest by name first.
 *
 * @returns paths by the blob's digest
 */
export function mountSources(reference: Reference, metadata: MetadataStore): (digest: string) => readonly string[] {
  const pathsByImage = new Map<string, Set<string>>()
  // Of one repository at most one reference is by digest for each image it holds: what is only tagged here need not be there.
  for (const { key, value } of metadata.list<StoredReference>('references', `${reference.domain}/`)) {
    const { digest, path } = parseReference(key)
    if (digest === undefined || path === reference.path) continue
    const known = pathsByImage.get(value.imageId)
    if (known === undefined) pathsByImage.set(value.imageId, new Set([path]))
    else known.add(path)
  }
  const pathsByBlob = new Map<string, Set<string>>()
  for (const [imageId, paths] of pathsByImage) {
    for (const blob of metadata.get<StoredImage>('images', imageId)?.blobs ?? []) {
      const known = pathsByBlob.get(blob)
      if (known === undefined) pathsByBlob.set(blob, new Set(paths))
      else for (const path of paths) known.add(path)
    }
  }
  const nearness = (path: string) => sharedParts(path.split('/'), reference.path.split('/'))
  return digest => [...(pathsByBlob.get(digest) ?? [])].sort((a, b) => nearness(b) - nearness(a)).slice(0, maximumSources)
}

function sharedParts(left: readonly string[], right: readonly string[]): number {
  const different = left.findIndex((part, at) => part !== right[at])
  return different < 0 ? left.length : different
}
