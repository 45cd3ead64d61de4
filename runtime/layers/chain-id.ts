import { createHash } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'

/**
 * The name of a stack of layers: the digest of its diff IDs, bottom first. `chain(a) = a`,
 * `chain(a, ..., z) = sha256(chain(a, ...) + ' ' + z)`. OCI image-spec, config.md, "Layer ChainID".
 *
 * @throws EngineError `invalid_argument` for no layer at all: the empty stack has no name
 */
export function chainIdOf(diffIds: readonly string[]): string {
  const [first, ...rest] = diffIds
  if (first === undefined) throw new EngineError('invalid_argument', 'an image without layers has no chain ID')
  return rest.reduce((chainId, diffId) => `sha256:${createHash('sha256').update(`${chainId} ${diffId}`).digest('hex')}`, first)
}

/** The chain ID of each layer, bottom first: what every layer of an image is stored under. */
export function chainIdsOf(diffIds: readonly string[]): readonly string[] {
  const chainIds: string[] = []
  for (const diffId of diffIds) {
    const parent = chainIds.at(-1)
    chainIds.push(parent === undefined ? diffId : chainIdOf([parent, diffId]))
  }
  return chainIds
}
