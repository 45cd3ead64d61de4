import type { ImageList, ImageSummary } from '../../src/api/index.js'
import type { InputOf } from '../../src/api/operation.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ImageRecord } from '../images/image-service.js'
import { danglingFlag, imageFilter, referenceTest } from './image-filters.js'
import { manifestsView } from './image-manifests-view.js'
import { sharedSizes } from './shared-sizes.js'

type Query = NonNullable<InputOf<typeof ImageList>['query']>

/**
 * `GET /images/json`: without `all`, images that have no name and that others were made of are left out.
 *
 * @throws EngineError `invalid_argument` for an unknown filter or value, `not_found` for an image that a filter names, `not_implemented` for
 *   `identity`
 */
export async function listImages(context: ContainerContext, query: Query): Promise<readonly ImageSummary[]> {
  const { all = false, filters = {}, manifests = false, identity = false, 'shared-size': shared = false } = query
  if (identity) {
    throw new EngineError('not_implemented', 'identity: who signed or built a manifest is not kept in the in-process runtime', {
      details: { field: 'query.identity' }
    })
  }
  const matches = await imageFilter(filters, name => context.images.get(name))
  const records = await context.images.list()
  const parents = new Set(records.map(({ parentId }) => parentId))
  const danglingOnly = filters.dangling !== undefined && filters.dangling.length > 0 && danglingFlag(filters.dangling)
  const isShown = ({ id, tags, repoDigests }: ImageRecord) =>
    !parents.has(id) || (!danglingOnly && (all || tags.length + repoDigests.length > 0))
  // Of an image with several names, those that were asked for are shown.
  const isAskedFor = referenceTest(filters.reference ?? [])
  const sizes = shared ? sharedSizes(records, context.snapshotter) : undefined
  return Promise.all(
    records
      .filter(image => isShown(image) && matches(image))
      .map(async image => ({
        ...summaryView(image, isAskedFor),
        ...(sizes && { SharedSize: sizes.sharedBytes(image.id) }),
        ...(manifests && (await manifestsView(context, image.id)))
      }))
  )
}

function summaryView(image: ImageRecord, isAskedFor: (name: string) => boolean): ImageSummary {
  return {
    Id: image.id,
    ParentId: image.parentId ?? '',
    RepoTags: image.tags.filter(isAskedFor),
    RepoDigests: image.repoDigests.filter(isAskedFor),
    Created: Math.floor(Date.parse(image.createdAt) / 1000),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    SharedSize: -1,
    Labels: image.config.Labels ?? null,
    Containers: -1
  }
}
