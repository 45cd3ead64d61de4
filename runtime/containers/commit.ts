import { type ContainerConfig, hostImageReference } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ImageConfig, ImageRecord } from '../images/image-service.js'
import { layerArchive } from '../snapshots/layer-archive.js'
import { containerChanges } from './changes.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { applyDockerfileChanges } from './dockerfile-changes.js'
import { containerAttributes } from './event-attributes.js'
import { mergeConfig } from './merge-config.js'
import { nanoTime } from './nano-time.js'
import { pauseContainer, unpauseContainer } from './pause.js'

/** What is said of an image that is made of a container. */
export interface CommitRequest {
  /** What the image is called: `repository:tag`. */
  readonly name?: string
  /** Freeze the container while its files are read. */
  readonly pause: boolean
  readonly author?: string
  readonly comment?: string
  /** Settings that differ from the container's. */
  readonly config: ContainerConfig
  /** Dockerfile instructions on top of them. */
  readonly changes: readonly string[]
}

/**
 * Make an image of a container: its image's layers, and what it changed as one more.
 *
 * @throws EngineError `not_found`, `invalid_argument`, `not_supported` for a container on the host's own root; the signal's reason on abort
 */
export async function commitContainer(
  context: ContainerContext,
  idOrName: string,
  request: CommitRequest,
  signal: AbortSignal
): Promise<ImageRecord> {
  const record = context.store.get(idOrName)
  if (record.imageId === hostImageReference) {
    throw new EngineError(
      'not_supported',
      `container ${record.id} stands on the host's own files, which are no image: it cannot be committed`,
      {
        details: { id: record.id }
      }
    )
  }
  const own = applyDockerfileChanges(request.config, request.changes)
  const goOn = await frozen(context, record, request.pause)
  try {
    const changes = await containerChanges(context, record.id, signal)
    const { upper } = context.snapshotter.mounts(record.id)
    const image = await context.images.commit({
      baseId: record.imageId,
      ...(changes.length > 0 && upper !== undefined && { layer: layerArchive(upper, changes) }),
      // Where it fails, the end of the commit says so.
      onPacked: () => void goOn().catch(() => {}),
      config: imageConfig(own, record.config),
      ...(request.author && { author: request.author }),
      ...(request.comment && { comment: request.comment }),
      createdBy: (record.config.Cmd ?? []).join(' '),
      created: nanoTime(),
      ...(request.name !== undefined && { name: request.name }),
      signal
    })
    tell(context, record, image, request)
    return image
  } finally {
    await goOn()
  }
}

/** @returns what lets the container go on; to be called once or more */
async function frozen(context: ContainerContext, { id, state }: ContainerRecord, pause: boolean): Promise<() => Promise<void>> {
  if (!pause || state.status !== 'running' || state.paused) return async () => {}
  await pauseContainer(context, id)
  let gone: Promise<void> | undefined
  return () => {
    // It may have been let go on, killed or removed by somebody else meanwhile.
    gone ??= unpauseContainer(context, id).catch((error: unknown) => {
      if (!EngineError.is(error) || (error.code !== 'failed' && error.code !== 'not_found')) throw error
    })
    return gone
  }
}

/** What an image keeps of a configuration; triggers for builds are not inherited. */
function imageConfig(own: ContainerConfig, container: ContainerConfig): ImageConfig {
  const { OnBuild: _, ...inherited } = container
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, StopTimeout, Shell, Healthcheck } =
    mergeConfig(
      own,
      inherited as ImageConfig // a container's configuration has an image's fields, and more
    )
  const kept = { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, StopTimeout, Shell, Healthcheck }
  const all = { ...kept, Healthcheck: Healthcheck ?? own.Healthcheck, OnBuild: own.OnBuild }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== null && value !== ''))
}

function tell({ events }: ContainerContext, record: ContainerRecord, image: ImageRecord, { name, comment }: CommitRequest): void {
  const attributes = { ...containerAttributes(record), comment: comment ?? '', imageID: image.id, imageRef: name ?? '' }
  if (name !== undefined) events.publish({ Type: 'image', Action: 'tag', id: image.id, attributes: { ...image.config.Labels, name } })
  events.publish({ Type: 'container', Action: 'commit', id: record.id, attributes })
}
