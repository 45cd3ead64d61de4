import type { Handlers, OciPlatform } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { formatPlatform, type Platform } from '../registry/platform.js'
import type { RegistryClient } from '../registry/registry-client.js'
import { inspectDistribution } from './inspect-distribution.js'
import { pushImage } from './push-image.js'
import { registryAuthOf } from './registry-auth-header.js'
import { searchImages } from './search-images.js'

/** Operations of images that a registry has a part in, but for pulls. */
export function remoteImageHandlers(context: ContainerContext, registry: Pick<RegistryClient, 'manifest' | 'blob' | 'search'>): Handlers {
  return {
    async ImagePush({ path, query, headers }, { signal }) {
      const auth = registryAuthOf(headers['X-Registry-Auth'])
      const { tag, platform } = query ?? {}
      const request = {
        name: path.name,
        ...(tag && { tag }),
        ...(platform && { platform: formatPlatform(platformOf(platform)) }),
        ...(auth && { auth })
      }
      return pushImage(context, request, signal)
    },

    async DistributionInspect({ path, headers }, { signal }) {
      const auth = registryAuthOf(headers?.['X-Registry-Auth'])
      return inspectDistribution(registry, path.name, { signal, ...(auth && { auth }) })
    },

    async ImageSearch({ query, headers }, { signal }) {
      const auth = registryAuthOf(headers?.['X-Registry-Auth'])
      const { term, limit = 0, filters = {} } = query
      return searchImages(registry, { term, limit, filters, ...(auth && { auth }) }, signal)
    }
  }
}

function platformOf({ os, architecture, variant }: OciPlatform): Platform {
  return { os, architecture, ...(variant && { variant }) }
}
