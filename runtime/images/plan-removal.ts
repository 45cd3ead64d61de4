import { EngineError } from '../../src/errors/index.js'
import { familiar, type Reference } from '../registry/reference.js'
import type { RemoveImageOptions } from './image-service.js'

export interface RemovalRequest {
  readonly imageId: string
  /** The reference that was named, and how it was spelled; undefined when the image was named by id. */
  readonly named: { readonly reference: Reference; readonly text: string } | undefined
  /** All references to the image. */
  readonly references: readonly Reference[]
  /** Whether another image was made of it: by a commit, or by a step of a build. */
  readonly hasChildren: boolean
  readonly options: Pick<RemoveImageOptions, 'force' | 'usedBy'>
}

export interface RemovalPlan {
  /** References that go, in the order in which Docker lists them. */
  readonly untag: readonly Reference[]
  readonly deleteImage: boolean
}

/**
 * What `docker rmi` does, as a decision without effects: moby, daemon/images/image_delete.go.
 *
 * @throws EngineError `conflict` in Docker's words
 */
export function planRemoval(request: RemovalRequest): RemovalPlan {
  return request.named === undefined ? planById(request) : planByName(request, request.named)
}

/** Whether a parent goes with its last child: nobody calls it by a name, uses it, or made another image of it. */
export function goesWithItsChild({ imageId, references, hasChildren, options }: Omit<RemovalRequest, 'named'>): boolean {
  return references.length === 0 && !hasChildren && !options.usedBy.has(imageId)
}

function planByName(request: RemovalRequest, { reference: named, text }: NonNullable<RemovalRequest['named']>): RemovalPlan {
  const { imageId, references, hasChildren, options } = request
  const user = options.usedBy.get(imageId)
  if (!options.force && user !== undefined && isSingleReference(references)) {
    throw new EngineError(
      'conflict',
      `conflict: unable to remove repository reference "${text}" (must force) - container ${shortId(user.containerId)} is using its referenced image ${shortId(imageId)}`,
      { details: { imageId, containerId: user.containerId } }
    )
  }
  const others = references.filter(reference => familiar(reference) !== familiar(named))
  const sameRepository = others.filter(reference => repository(reference) === repository(named))
  // A repository's digests go with its last tag.
  const takeDigests = named.digest === undefined && sameRepository.every(({ digest }) => digest !== undefined)
  const untag = [named, ...(takeDigests ? sameRepository : [])]
  const remaining = others.filter(reference => !untag.includes(reference))
  // By force a stopped container's image goes too; a running one's only loses its name, as does what other images were made of.
  const isFree = !hasChildren && (user === undefined || (options.force && !user.running))
  return { untag, deleteImage: remaining.length === 0 && isFree }
}

function planById(request: RemovalRequest): RemovalPlan {
  const { imageId, references, hasChildren, options } = request
  const user = options.usedBy.get(imageId)
  if (hasChildren) throw conflict(imageId, 'cannot be forced', 'image has dependent child images')
  if (user?.running === true) {
    throw conflict(imageId, 'cannot be forced', `image is being used by running container ${shortId(user.containerId)}`)
  }
  if (!options.force && references.length > 0 && !isSingleReference(references)) {
    throw conflict(imageId, 'must be forced', 'image is referenced in multiple repositories')
  }
  if (!options.force && user !== undefined) {
    throw conflict(imageId, 'must be forced', `image is being used by stopped container ${shortId(user.containerId)}`)
  }
  return { untag: references, deleteImage: true }
}

/** All in one repository, with at most one tag: then naming the image means naming that reference. */
function isSingleReference(references: readonly Reference[]): boolean {
  if (references.length <= 1) return references.length === 1
  const tags = references.filter(({ digest }) => digest === undefined)
  return tags.length <= 1 && new Set(references.map(repository)).size === 1
}

function repository({ domain, path }: Reference): string {
  return `${domain}/${path}`
}

function conflict(imageId: string, force: string, reason: string): EngineError {
  return new EngineError('conflict', `conflict: unable to delete ${shortId(imageId)} (${force}) - ${reason}`, { details: { imageId } })
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
