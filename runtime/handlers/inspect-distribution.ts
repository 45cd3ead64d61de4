import type { DistributionInspectResponse, OCIPlatform } from '../../src/api/index.js'
import type { RegistryAuth } from '../images/image-service.js'
import type { Descriptor } from '../registry/manifest.js'
import type { Platform } from '../registry/platform.js'
import { parseReference, type Reference } from '../registry/reference.js'
import type { RegistryClient, RegistryReadOptions } from '../registry/registry-client.js'

const configLimitBytes = 8 * 1024 * 1024

/** What a registry has under a name, and for which platforms. @throws EngineError `invalid_argument`; as the registry's manifests */
export async function inspectDistribution(
  registry: Pick<RegistryClient, 'manifest' | 'blob'>,
  name: string,
  options: { readonly auth?: RegistryAuth | 'anonymous'; readonly signal: AbortSignal }
): Promise<DistributionInspectResponse> {
  const reference = parseReference(name)
  const { digest, bytes, document } = await registry.manifest(reference, options)
  const platforms =
    document.kind === 'index'
      ? document.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platform]))
      : await platformOf(registry, reference, { config: document.config, options })
  return {
    Descriptor: { mediaType: document.mediaType, digest, size: bytes.byteLength },
    Platforms: platforms.map(({ os, architecture, variant }): OCIPlatform => ({ architecture, os, ...(variant && { variant }) }))
  }
}

/** Of an image for one platform its configuration says which; what is no image has none. */
async function platformOf(
  registry: Pick<RegistryClient, 'blob'>,
  reference: Reference,
  { config, options }: { readonly config: Descriptor; readonly options: RegistryReadOptions }
): Promise<readonly Platform[]> {
  if (!/^application\/vnd\.(oci\.image\.config|docker\.container\.image)\.v1\+json$/.test(config.mediaType)) return []
  const bytes = await registry.blob(reference, config, { ...options, limitBytes: configLimitBytes })
  const { os, architecture, variant }: Partial<Platform> = JSON.parse(Buffer.from(bytes).toString('utf8'))
  return os && architecture ? [{ os, architecture, ...(variant && { variant }) }] : []
}
