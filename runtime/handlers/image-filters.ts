import { EngineError } from '../../src/errors/index.js'
import type { ImageRecord } from '../images/image-service.js'
import { type Filters, hasLabel } from './list-filters.js'
import { pathPattern } from './path-pattern.js'
import { untilOf } from './prune-filters.js'

/** Finds the image that a filter names. */
export type FindImage = (nameOrId: string) => Promise<ImageRecord>

/**
 * A test for `GET /images/json?filters=`.
 *
 * @throws EngineError `invalid_argument` for an unknown filter or value, `not_found` for an image that `before` or `since` name
 */
export async function imageFilter(filters: Filters, find: FindImage): Promise<(image: ImageRecord) => boolean> {
  const asked = Object.entries(filters).filter(([, values]) => values.length > 0)
  const tests = await Promise.all(asked.map(([key, values]) => filterOf(key, values, find)))
  return image => tests.every(test => test(image))
}

async function filterOf(key: string, values: readonly string[], find: FindImage): Promise<(image: ImageRecord) => boolean> {
  switch (key) {
    case 'dangling': {
      // What has a digest and no tag is both, to Docker.
      const wanted = danglingFlag(values)
      return ({ tags, repoDigests }) => (wanted ? tags.length === 0 : tags.length + repoDigests.length > 0)
    }
    case 'label':
      return image => values.every(value => hasLabel(image.config.Labels ?? {}, value))
    case 'label!':
      return image => !values.some(value => hasLabel(image.config.Labels ?? {}, value))
    case 'reference': {
      const isAskedFor = referenceTest(values)
      return image => [...image.tags, ...image.repoDigests].some(isAskedFor)
    }
    case 'before': {
      const times = await Promise.all(values.map(async value => madeAt(await find(value))))
      return image => times.every(time => madeAt(image) < time)
    }
    case 'since': {
      const times = await Promise.all(values.map(async value => madeAt(await find(value))))
      return image => times.every(time => madeAt(image) > time)
    }
    case 'until': {
      const times = values.map(value => untilOf(value))
      return image => times.every(time => time === undefined || BigInt(madeAt(image)) * 1_000_000n < time)
    }
    default:
      throw new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
  }
}

/** @throws EngineError `invalid_argument` for what is neither true nor false, or both */
export function danglingFlag(values: readonly string[]): boolean {
  const isTrue = values.every(value => ['1', 'true', 'True', 'TRUE', 't', 'T'].includes(value))
  if (isTrue || values.every(value => ['0', 'false', 'False', 'FALSE', 'f', 'F'].includes(value))) return isTrue
  throw new EngineError('invalid_argument', `invalid filter 'dangling=[${values.join(' ')}]'`, {
    details: { filter: 'dangling', value: values }
  })
}

function madeAt(image: ImageRecord): number {
  return Date.parse(image.createdAt)
}

/**
 * Whether a name with its tag or digest is one of those that `reference` filters ask for, with the tag or without; without any, all are.
 *
 * @throws EngineError `invalid_argument` for a pattern that is none
 */
export function referenceTest(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map(pattern => pathPattern(pattern, 'reference'))
  return name => tests.length === 0 || tests.some(test => test(name) || test(name.replace(/(?:@sha256:[0-9a-f]+|:[^:/]*)$/, '')))
}
