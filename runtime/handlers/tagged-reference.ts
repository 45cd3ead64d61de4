import { EngineError } from '../../src/errors/index.js'
import { familiarName, parseReference, type Reference } from '../registry/reference.js'

/**
 * A new name as the Engine API gives it, in two parameters: a tag of its own counts more than one in the name.
 *
 * @param refusal what is said of a name by digest
 * @throws EngineError `invalid_argument`
 */
export function taggedReference(repo: string, tag: string | undefined, refusal: string): Reference {
  const reference = parseReference(repo)
  if (reference.digest !== undefined) throw new EngineError('invalid_argument', refusal, { details: { field: 'query.repo', value: repo } })
  return tag ? parseReference(`${familiarName(reference)}:${tag}`) : reference
}
