import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { type ContainerConfig, type HostConfig, hostImageReference } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ImageRecord } from '../images/image-service.js'
import type { ContainerContext } from './container-context.js'
import { checkName } from './container-names.js'
import { type ContainerRecord, createdState } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { mergeConfig } from './merge-config.js'
import { nanoTime } from './nano-time.js'
import { takeAway } from './remove.js'

/** What a container is made from. */
export interface CreateRequest {
  /** Undefined: one is generated. */
  readonly name?: string
  readonly image: string
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
}

/**
 * Make a container: its record, its folder and its read-write layer on top of the image's layers. Nothing runs and nothing is mounted
 * until it is started.
 *
 * @throws EngineError `not_found` (image), `already_exists` (name), `invalid_argument`
 */
export async function createContainer(context: ContainerContext, request: CreateRequest): Promise<ContainerRecord> {
  const name = request.name === undefined || request.name === '' ? undefined : checkName(request.name)
  const id = randomBytes(32).toString('hex')
  const image = request.image === hostImageReference ? undefined : await context.images.get(request.image)
  const config = { ...mergeConfig(request.config, image?.config), Hostname: request.config.Hostname || defaultHostname(id, request) }
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (path === undefined || path === '') {
    throw new EngineError('invalid_argument', 'No command specified', { details: { image: request.image } })
  }
  // The record comes first: whatever is made afterwards belongs to it, so that after a crash the clean-up finds everything.
  const record = await context.store.add(
    {
      id,
      createdAt: nanoTime(),
      imageId: image?.id ?? hostImageReference,
      imageReference: request.image,
      config,
      hostConfig: request.hostConfig,
      path,
      args,
      owner: context.session.owner,
      sessionId: context.session.id,
      state: createdState
    },
    name
  )
  const made = await Promise.allSettled([
    mkdir(context.paths.containerFolder(id), { recursive: true, mode: 0o710 }),
    context.snapshotter.create(id, baseOf(image))
  ])
  const failed = made.find(result => result.status === 'rejected')
  if (failed !== undefined) {
    await takeAway(context, record)
    throw failed.reason
  }
  context.events.publish({ Type: 'container', Action: 'create', id, attributes: containerAttributes(record) })
  return record
}

function defaultHostname(id: string, request: CreateRequest): string {
  // In the host's network namespace the host's own name is used, which is not known before the start.
  return request.hostConfig.NetworkMode === 'host' ? '' : id.slice(0, 12)
}

function baseOf(image: ImageRecord | undefined) {
  if (image === undefined) return { directories: ['/'] }
  return image.chainId === undefined ? undefined : { chainId: image.chainId }
}
