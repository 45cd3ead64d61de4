import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import { parsePlatform } from '../registry/platform.js'
import { familiar, parseReference } from '../registry/reference.js'
import { ArchiveIntake } from './archive-intake.js'
import { type ArchivedImage, documentOf } from './archived-image.js'
import { type DockerArchiveItem, dockerImage, dockerNames, readDockerManifest } from './docker-archive.js'
import { readRecord } from './image-records.js'
import type { LoadedImage, LoadOptions } from './image-service.js'
import { ociImages } from './oci-archive.js'
import type { PlatformChoice } from './platform-choice.js'
import type { PullParts } from './pull-image.js'
import { storeImages } from './store-images.js'

/**
 * `docker load`: all images of an archive, or none. See `ImageService.load`.
 *
 * Killed at any time it leaves temporary files that the next opening removes, or from `storeImages` on a lease whose content is collected.
 */
export async function loadImages(
  archive: AsyncIterable<Uint8Array>,
  options: LoadOptions,
  parts: PullParts
): Promise<readonly LoadedImage[]> {
  const { signal, platform, onProgress } = options
  const choice: PlatformChoice = { preferred: parts.platform, ...(platform !== undefined && { asked: parsePlatform(platform) }) }
  const intake = new ArchiveIntake(parts, { signal, ...(onProgress && { onProgress }) })
  try {
    await intake.read(archive)
    crashPoint('load.read')
    const images = imagesOf(intake, choice)
    const renamed = await storeImages(images, signal, parts)
    return images.map(({ id, names }) => ({
      image: readRecord(parts.metadata, id),
      names: [...names.keys()].map(name => ({
        name: familiar(parseReference(name)),
        ...(renamed.has(name) && { before: renamed.get(name) ?? '' })
      }))
    }))
  } finally {
    await intake.close()
  }
}

/** An archive may be both, an OCI layout and Docker's: the layout has the manifests, Docker's list may have more names. */
function imagesOf(intake: ArchiveIntake, choice: PlatformChoice): readonly ArchivedImage[] {
  const oci = intake.piece('index.json') === undefined ? [] : ociImages(intake, choice)
  const items = intake.piece('manifest.json') === undefined ? [] : readDockerManifest(intake.document('manifest.json'))
  const images = new Map(oci.map(image => [image.id, image]))
  for (const item of items) {
    const known = images.get(configDigest(intake, item))
    if (known !== undefined) {
      images.set(known.id, { ...known, names: new Map([...dockerNames(item, known.manifestDigest), ...known.names]) })
    } else if (oci.length === 0) {
      const image = dockerImage(intake, item, choice)
      images.set(image.id, image)
    }
  }
  if (images.size > 0) return [...images.values()]
  const isNone = intake.piece('index.json') === undefined && intake.piece('manifest.json') === undefined
  const problem = isNone ? 'it has no manifest.json and no index.json' : 'it lists none'
  throw new EngineError(
    'invalid_argument',
    `the archive holds no image: ${problem}. What docker save, podman save, skopeo and buildx write is loaded; a root file system is imported`
  )
}

function configDigest(intake: ArchiveIntake, item: DockerArchiveItem): string {
  return documentOf(intake.document(item.config)).digest
}
