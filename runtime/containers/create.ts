import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type ContainerConfig, type HostConfig, hostImageReference, keepLabel } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ImageRecord } from '../images/image-service.js'
import { type MountPlan, planMounts } from '../volumes/plan-mounts.js'
import { madeCgroup } from './cgroup-of.js'
import { checkIsolation } from './check-isolation.js'
import type { ContainerContext } from './container-context.js'
import { checkName } from './container-names.js'
import { portRequests } from './container-ports.js'
import { type ContainerNetworks, type ContainerRecord, createdState } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { fillVolumes } from './fill-volumes.js'
import { mergeConfig } from './merge-config.js'
import { nanoTime } from './nano-time.js'
import { removeContainerVolumes, takeAway } from './remove.js'

/** What a container is made from. */
export interface CreateRequest {
  /** Undefined: one is generated. */
  readonly name?: string
  readonly image: string
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  readonly networks: ContainerNetworks
}

/**
 * Make a container: its record, its folder and its read-write layer on top of the image's layers. Nothing runs and nothing is mounted
 * until it is started.
 *
 * @throws EngineError `not_found` (image), `already_exists` (name), `invalid_argument`
 */
export async function createContainer(context: ContainerContext, request: CreateRequest): Promise<ContainerRecord> {
  // Most containers are started as soon as they are there.
  context.cgroupAttach.expect()
  const name = request.name === undefined || request.name === '' ? undefined : checkName(request.name)
  const id = claimId(context, request) ?? randomBytes(32).toString('hex')
  const image = request.image === hostImageReference ? undefined : await context.images.get(request.image)
  const config = { ...mergeConfig(request.config, image?.config), Hostname: request.config.Hostname || defaultHostname(id, request) }
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (path === undefined || path === '') {
    throw new EngineError('invalid_argument', 'No command specified', { details: { image: request.image } })
  }
  // Read for what is wrong with it; published when the container starts.
  portRequests(config, request.hostConfig)
  checkIsolation(context, request.hostConfig, request.config.Hostname ?? '')
  const plan = planMounts({ config, hostConfig: request.hostConfig, mountsOf: container => context.store.get(container).mounts ?? [] })
  const made = madeCgroup(context, request.hostConfig)
  const record = {
    id,
    createdAt: nanoTime(),
    imageId: image?.id ?? hostImageReference,
    imageReference: request.image,
    config,
    hostConfig: request.hostConfig,
    networks: request.networks,
    path,
    args,
    ...(plan.mounts.length > 0 && { mounts: plan.mounts }),
    ...(plan.volumes.length > 0 && { volumesPending: true as const }),
    owner: context.session.owner,
    sessionId: context.session.id,
    ...(made !== undefined && { madeCgroup: made }),
    ...(isKept(context, request) && { keep: true as const }),
    state: createdState
  }
  return makeContainer(context, { record, name, image, plan })
}

async function makeContainer(
  context: ContainerContext,
  parts: {
    readonly record: Omit<ContainerRecord, 'name'>
    readonly name: string | undefined
    readonly image: ImageRecord | undefined
    readonly plan: MountPlan
  }
): Promise<ContainerRecord> {
  const { record: unnamed, name, image, plan } = parts
  const { id } = unnamed
  // Asked for in one go, so that both are one commit: a read-write layer that is there has its container's record, and the clean-up after
  // a crash finds it by that.
  const [added, layered] = await Promise.allSettled([context.store.add(unnamed, name), context.snapshotter.create(id, baseOf(image))])
  if (added.status === 'rejected') {
    await context.snapshotter.remove(id)
    throw added.reason
  }
  const record = added.value
  if (layered.status === 'rejected') {
    await takeAway(context, record)
    throw layered.reason
  }
  mkdirSync(context.paths.containerFolder(id), { recursive: true, mode: 0o710 })
  if (plan.volumes.length > 0) await makeVolumes(context, record, plan)
  context.events.publish({ Type: 'container', Action: 'create', id, attributes: containerAttributes(record) })
  return record
}

function isKept(context: ContainerContext, { config }: CreateRequest): boolean {
  return context.session.keeps || config.Labels?.[keepLabel] === 'true'
}

/** What outlives this process is started in another way. */
function claimId(context: ContainerContext, request: CreateRequest): string | undefined {
  return isKept(context, request) ? undefined : context.prepared.claim(request)
}

/** The volumes it mounts, with what the image has for them. The record names them already, so nobody removes them meanwhile. */
async function makeVolumes(context: ContainerContext, record: ContainerRecord, plan: MountPlan): Promise<void> {
  let made: readonly string[] = []
  try {
    made = await context.volumes.ensure(plan.volumes)
    await fillVolumes(context, record)
  } catch (error) {
    await takeAway(context, record)
    await removeContainerVolumes(context, record)
    // Others may use one by now: then it stays.
    await Promise.allSettled(made.map(volume => context.volumes.remove(volume)))
    throw error
  }
}

function defaultHostname(id: string, request: CreateRequest): string {
  // In the host's network namespace the host's own name is used, which is not known before the start.
  return request.hostConfig.NetworkMode === 'host' ? '' : id.slice(0, 12)
}

function baseOf(image: ImageRecord | undefined) {
  if (image === undefined) return { directories: ['/'] }
  return image.chainId === undefined ? undefined : { chainId: image.chainId }
}
