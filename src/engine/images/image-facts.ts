import type { ImageInspectResponse, ImageSummary } from '../../api/index.js'
import type { Digest } from '../values.js'
import { splitReference } from './image-reference.js'

/** What an engine says of an image, in a list as in an inspection. */
export type ImageFacts = Pick<ImageInspectResponse | ImageSummary, 'Id' | 'RepoTags' | 'RepoDigests' | 'Size' | 'Descriptor'>

/** The digest that an image has in the repository of `reference`, else in any, else its id. */
export function digestOf(facts: ImageFacts, reference: string): Digest {
  const { name } = splitReference(reference)
  const repoDigests = facts.RepoDigests ?? []
  const found = repoDigests.find(digest => digest.startsWith(`${name}@`)) ?? repoDigests[0]
  // The reason for the casts: the Engine API writes digests in these places.
  return (found === undefined ? (facts.Descriptor?.digest ?? facts.Id) : found.slice(found.indexOf('@') + 1)) as Digest
}
