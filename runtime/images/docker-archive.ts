import { EngineError } from '../../src/errors/index.js'
import { canonical, parseReference } from '../registry/reference.js'
import type { ArchiveIntake } from './archive-intake.js'
import { type ArchivedImage, type ArchivedLayer, checkListed, documentOf, layerOf, manifestFor } from './archived-image.js'
import { parseImageConfig } from './image-config.js'
import { checkNewName } from './image-records.js'
import { checkPlatform, type PlatformChoice } from './platform-choice.js'

/** An image in `manifest.json`: moby, image/tarexport. */
export interface DockerArchiveItem {
  readonly config: string
  readonly repoTags: readonly string[]
  readonly layers: readonly string[]
  readonly parent?: string
}

const source = 'cannot load the archive: manifest.json'

/** The images that Docker's `manifest.json` lists. @throws EngineError `data_loss` where it is malformed */
export function readDockerManifest(bytes: Uint8Array): readonly DockerArchiveItem[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw new EngineError('data_loss', `${source} is no JSON`, { cause })
  }
  if (!Array.isArray(parsed)) throw new EngineError('data_loss', `${source} is no list`)
  checkListed(parsed.length, source)
  return parsed.map((item: unknown, position) => readItem(item, position))
}

/**
 * An image of Docker's archive, under a manifest made for it.
 *
 * @throws EngineError `data_loss`, `not_supported`, `invalid_argument` (a name), `not_found` for another platform than was asked for
 */
export function dockerImage(intake: ArchiveIntake, item: DockerArchiveItem, choice: PlatformChoice): ArchivedImage {
  const document = documentOf(intake.document(item.config))
  const config = parseImageConfig(document.bytes, `cannot load the image ${item.config}`)
  if (config.diffIds.length !== item.layers.length) {
    throw new EngineError(
      'data_loss',
      `invalid manifest, layers length mismatch: expected ${item.layers.length}, got ${config.diffIds.length}`,
      { details: { config: item.config } }
    )
  }
  checkPlatform(item.repoTags[0] ?? item.config, config, choice)
  const layers = item.layers.map((name, position): ArchivedLayer => {
    return layerOf(intake.piece(name), { name, diffId: config.diffIds[position] ?? '' })
  })
  const manifest = manifestFor(document, layers)
  return {
    id: document.digest,
    config,
    manifestDigest: manifest.digest,
    layers,
    documents: [manifest, document],
    names: dockerNames(item, manifest.digest),
    ...(item.parent !== undefined && { parentId: item.parent })
  }
}

/** What the archive calls an image. @throws EngineError `invalid_argument` */
export function dockerNames({ repoTags }: DockerArchiveItem, target: string): ReadonlyMap<string, string> {
  const references = repoTags.map(parseReference)
  for (const reference of references) checkNewName(reference)
  return new Map(references.map(reference => [canonical(reference), target]))
}

function readItem(value: unknown, position: number): DockerArchiveItem {
  const fields: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {}
  const { Config, RepoTags, Layers, Parent } = fields
  if (typeof Config !== 'string') throw malformed(`[${position}].Config`)
  return {
    config: Config,
    repoTags: texts(RepoTags, `[${position}].RepoTags`),
    layers: texts(Layers, `[${position}].Layers`),
    ...(typeof Parent === 'string' && Parent !== '' && { parent: Parent })
  }
}

function texts(value: unknown, field: string): readonly string[] {
  // Go writes an empty list as null.
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value
  throw malformed(field)
}

function malformed(field: string): EngineError {
  return new EngineError('data_loss', `${source} is malformed at ${field}`, { details: { field } })
}
