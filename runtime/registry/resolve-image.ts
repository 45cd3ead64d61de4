import { EngineError } from '../../src/errors/index.js'
import type { Digest } from './digest.js'
import type { Descriptor, ImageIndex, ImageManifest } from './manifest.js'
import { isIndexType, isManifestType } from './media-types.js'
import { choosePlatform, formatPlatform, type Platform } from './platform.js'
import { familiar, type Reference, withDigest } from './reference.js'
import type { RegistryClient, RegistryReadOptions } from './registry-client.js'

/** An image of one platform, found in its registry. */
export interface ResolvedImage {
  /** Digest of what the reference named: the outermost index, else the manifest. */
  readonly target: Digest
  readonly manifestDigest: Digest
  readonly manifest: ImageManifest
  /** The indexes passed through and the manifest, as they were sent. */
  readonly documents: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[]
}

/** An index may point at an index; nobody nests deeper in good faith. */
const maximumDepth = 4

/**
 * Follow a reference to the manifest of one platform.
 *
 * @throws EngineError `not_found` with the platforms there are; else as {@link RegistryClient.manifest}
 */
export async function resolveImage(
  registry: RegistryClient,
  reference: Reference,
  options: RegistryReadOptions & { readonly platform: Platform }
): Promise<ResolvedImage> {
  const documents: { digest: Digest; bytes: Uint8Array }[] = []
  let next = reference
  for (let depth = 0; depth < maximumDepth; depth++) {
    const { digest, bytes, document } = await registry.manifest(next, options)
    documents.push({ digest, bytes })
    const target = documents[0]?.digest ?? digest
    if (document.kind === 'manifest') return { target, manifestDigest: digest, manifest: document, documents }
    next = withDigest(reference, chooseManifest(document, reference, options.platform).digest)
  }
  throw new EngineError('not_supported', `cannot pull ${familiar(reference)}: its index is nested more than ${maximumDepth} levels deep`)
}

function chooseManifest(index: ImageIndex, reference: Reference, platform: Platform): Descriptor {
  const usable = index.manifests.filter(({ mediaType }) => isManifestType(mediaType) || isIndexType(mediaType))
  const chosen = choosePlatform(usable, platform) ?? onlyUnlabelled(usable)
  if (chosen !== undefined) return chosen
  const available = [...new Set(usable.map(label).filter(text => text !== undefined))]
  const shown = available.length === 0 ? 'none' : available.join(', ')
  throw new EngineError(
    'not_found',
    `no matching manifest for ${formatPlatform(platform)} in the manifest list entries of ${familiar(reference)}; it has ${shown}`,
    { details: { reference: familiar(reference), platform: formatPlatform(platform), available } }
  )
}

/** An entry may leave its platform out; then it is taken when there is no other to choose. */
function onlyUnlabelled(entries: readonly Descriptor[]): Descriptor | undefined {
  const [first] = entries
  return entries.length === 1 && first?.platform === undefined ? first : undefined
}

/** Attestations are listed as platform unknown/unknown: nothing to run. */
function label({ platform }: Descriptor): string | undefined {
  return platform === undefined || platform.os === 'unknown' ? undefined : formatPlatform(platform)
}
