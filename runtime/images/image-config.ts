import { EngineError } from '../../src/errors/index.js'
import { isDigest } from '../registry/digest.js'
import { parseObject } from '../registry/manifest.js'
import type { ImageConfig, ImageHistory, ImageRecord } from './image-service.js'

/** What an image configuration says: OCI image-spec, config.md. */
export type ParsedImageConfig = Pick<
  ImageRecord,
  'diffIds' | 'createdAt' | 'architecture' | 'variant' | 'os' | 'author' | 'comment' | 'dockerVersion' | 'config' | 'history'
>

type Check = (value: unknown) => boolean

/** OVL_MAX_STACK of the kernel: what overlayfs stacks. A manifest of a few megabytes can name one layer ten thousand times. */
const mostLayers = 500

/** What Docker shows for an image that does not say when it was made. */
const unknownTime = '0001-01-01T00:00:00Z'

const isText: Check = value => typeof value === 'string'
const isNumber: Check = value => typeof value === 'number'
const isTexts: Check = value => Array.isArray(value) && value.every(isText)
// Go writes an empty list or map as null; it means the same as leaving it out.
const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const healthFields: Readonly<Record<string, Check>> = {
  Test: isTexts,
  Interval: isNumber,
  Timeout: isNumber,
  StartPeriod: isNumber,
  StartInterval: isNumber,
  Retries: isNumber
}

const configFields: { readonly [Field in keyof ImageConfig]-?: Check } = {
  User: isText,
  ExposedPorts: isObject,
  Env: isTexts,
  Entrypoint: isTexts,
  Cmd: isTexts,
  Volumes: isObject,
  WorkingDir: isText,
  Labels: value => isObject(value) && Object.values(value).every(isText),
  StopSignal: isText,
  StopTimeout: isNumber,
  Shell: isTexts,
  Healthcheck: value =>
    isObject(value) && Object.entries(healthFields).every(([field, check]) => isAbsent(value[field]) || check(value[field])),
  OnBuild: isTexts
}

/**
 * Read an image configuration and check the fields that are used.
 *
 * @param source for messages: `cannot pull alpine:latest`
 * @throws EngineError `data_loss` where it is malformed, `not_supported` where it is none
 */
export function parseImageConfig(bytes: Uint8Array, source: string): ParsedImageConfig {
  const document = parseObject(bytes, source)
  const { os, architecture, variant, created, author, comment, docker_version: dockerVersion, rootfs, history } = document
  if (typeof os !== 'string' || typeof architecture !== 'string' || !isObject(rootfs)) {
    throw new EngineError('not_supported', `${source}: it is not a container image: its configuration has no os, architecture or rootfs`)
  }
  const diffIds: unknown = rootfs.diff_ids ?? []
  if (!Array.isArray(diffIds) || !diffIds.every((item: unknown): item is string => typeof item === 'string' && isDigest(item))) {
    throw malformed('rootfs.diff_ids', source)
  }
  if (diffIds.length > mostLayers) {
    throw new EngineError('not_supported', `${source}: it has ${diffIds.length} layers; the kernel stacks ${mostLayers}`, {
      details: { layers: diffIds.length, limit: mostLayers }
    })
  }
  return {
    diffIds,
    createdAt: typeof created === 'string' ? created : unknownTime,
    architecture,
    ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    os,
    ...(typeof author === 'string' && author !== '' ? { author } : {}),
    ...(typeof comment === 'string' && comment !== '' ? { comment } : {}),
    ...(typeof dockerVersion === 'string' && dockerVersion !== '' ? { dockerVersion } : {}),
    config: readConfig(document.config, source),
    history: readHistory(history, source)
  }
}

function readConfig(value: unknown, source: string): ImageConfig {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw malformed('config', source)
  const kept: Record<string, unknown> = {}
  for (const [field, check] of Object.entries(configFields)) {
    const given = value[field]
    if (isAbsent(given)) continue
    if (!check(given)) throw malformed(`config.${field}`, source)
    kept[field] = withoutMore(field, given)
  }
  return kept // each field was checked against the table above
}

/** What is kept of a field is what it can mean: of a set its keys, whatever lies below them. */
function withoutMore(field: string, value: unknown): unknown {
  if (!isObject(value) || field === 'Labels') return value
  if (field !== 'Healthcheck') return Object.fromEntries(Object.keys(value).map(key => [key, {}]))
  return Object.fromEntries(Object.keys(healthFields).flatMap(key => (isAbsent(value[key]) ? [] : [[key, value[key]]])))
}

function readHistory(value: unknown, source: string): readonly ImageHistory[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every(isObject)) throw malformed('history', source)
  return value.map(({ created, created_by, author, comment, empty_layer }) => ({
    ...(typeof created === 'string' ? { created } : {}),
    ...(typeof created_by === 'string' ? { created_by } : {}),
    ...(typeof author === 'string' ? { author } : {}),
    ...(typeof comment === 'string' ? { comment } : {}),
    ...(empty_layer === true ? { empty_layer } : {})
  }))
}

function malformed(field: string, source: string): EngineError {
  return new EngineError('data_loss', `${source}: its configuration is malformed at ${field}; build and push the image again`, {
    details: { field }
  })
}
