import type { Handlers } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { attachContainer } from '../containers/attach.js'
import { containerChanges } from '../containers/changes.js'
import { checkLimits } from '../containers/check-limits.js'
import { checkConfig, checkHostConfig } from '../containers/check-settings.js'
import type { ContainerContext } from '../containers/container-context.js'
import { plannedNetworks } from '../containers/container-networks.js'
import type { ContainerRecord } from '../containers/container-record.js'
import { createContainer } from '../containers/create.js'
import { discardLimits } from '../containers/discard-limits.js'
import { killContainer } from '../containers/kill.js'
import { checkLogConfig } from '../containers/log-options.js'
import { containerLogs } from '../containers/logs.js'
import { pauseContainer, unpauseContainer } from '../containers/pause.js'
import { removeContainer } from '../containers/remove.js'
import { renameContainer } from '../containers/rename.js'
import { resizeContainer } from '../containers/resize.js'
import { restartContainer } from '../containers/restart.js'
import { startContainer } from '../containers/start.js'
import { containerStats } from '../containers/stats.js'
import { stopContainer } from '../containers/stop.js'
import { containerTop } from '../containers/top.js'
import { updateContainer } from '../containers/update.js'
import { waitForContainer } from '../containers/wait.js'
import type { ImageRecord } from '../images/image-service.js'
import { checkNamespaceModes } from '../oci/namespaces.js'
import { withDefaults } from './container-defaults.js'
import { InspectViews, inspectView, summaryView } from './container-views.js'
import { containerFilter } from './list-filters.js'
import { refuseConflicts } from './network-conflicts.js'
import { pruneContainers } from './prune-containers.js'
import { refuseUnsupported } from './supported-settings.js'
import { timestampOf } from './timestamp.js'

/** How the Engine API writes what happened to a file. */
const kinds = { changed: 0, added: 1, deleted: 2 } as const

/** The operations of `/containers`. */
export function containerHandlers(context: ContainerContext): Handlers {
  const inspected = new InspectViews()
  return {
    async ContainerCreate({ query, body }) {
      refuseUnsupported(body)
      const { HostConfig, NetworkingConfig, ...config } = body
      if (!config.Image) throw new EngineError('invalid_argument', 'No image specified', { details: { field: 'Image' } })
      const asked = { ...HostConfig, ...(config.NetworkDisabled && { NetworkMode: 'none' }) }
      refuseConflicts(config, asked)
      checkConfig(config)
      checkHostConfig(asked, context.oci.name)
      checkLimits(asked)
      checkNamespaceModes(asked)
      const { hostConfig: possible, warnings } = discardLimits(asked, context.cgroups)
      const hostConfig = withDefaults(possible, {
        runtime: context.oci.name,
        cgroups: context.cgroups.kind,
        settings: context.settings.current
      })
      checkLogConfig(hostConfig.LogConfig ?? {})
      const networks = plannedNetworks(hostConfig, NetworkingConfig)
      const name = query?.name
      const record = await createContainer(context, { ...(name && { name }), image: config.Image, config, hostConfig, networks })
      return { Id: record.id, Warnings: [...warnings, ...discardedPorts(record)] }
    },

    ContainerStart: ({ path }, { signal }) => startContainer(context, path.id, signal),

    ContainerStop: ({ path, query }, { signal }) =>
      stopContainer(context, path.id, { ...(query?.signal && { signal: query.signal }), ...graceOf(query?.t) }, signal),

    async ContainerRestart({ path, query }, { signal }) {
      await restartContainer(context, path.id, { ...(query?.signal && { signal: query.signal }), ...graceOf(query?.t) }, signal)
      return { modified: true }
    },

    async ContainerKill({ path, query }) {
      await killContainer(context, path.id, query?.signal || 'SIGKILL')
      return { modified: true }
    },

    async ContainerWait({ path, query }, { signal }) {
      const { exitCode, error } = await waitForContainer(context, path.id, query?.condition ?? 'not-running', signal)
      return { StatusCode: exitCode, ...(error !== undefined && { Error: { Message: error } }) }
    },

    async ContainerDelete({ path, query }) {
      if (query?.link) throw new EngineError('not_implemented', 'link: removing a link is not built yet in the in-process runtime')
      await removeContainer(context, path.id, { force: query?.force ?? false, volumes: query?.v ?? false })
      return { modified: true }
    },

    ContainerPrune: ({ query }, { signal }) => pruneContainers(context, query?.filters ?? {}, signal),

    async ContainerPause({ path }) {
      await pauseContainer(context, path.id)
      return { modified: true }
    },

    async ContainerUnpause({ path }) {
      await unpauseContainer(context, path.id)
      return { modified: true }
    },

    async ContainerTop({ path, query }, { signal }) {
      return containerTop(context, path.id, query?.ps_args || '-ef', signal)
    },

    async ContainerChanges({ path }, { signal }) {
      const changes = await containerChanges(context, path.id, signal)
      return changes.length === 0
        ? null
        : changes.map(change => ({ Path: Buffer.from(change.path, 'latin1').toString(), Kind: kinds[change.kind] }))
    },

    async ContainerStats({ path, query }, { signal }) {
      const isStream = query?.stream ?? true
      return containerStats(context, path.id, { samples: isStream ? 'stream' : query?.['one-shot'] ? 'one' : 'two' }, signal)
    },

    async ContainerUpdate({ path, body }) {
      return { Warnings: await updateContainer(context, path.id, body) }
    },

    async ContainerRename({ path, query }) {
      await renameContainer(context, path.id, query.name)
      return { modified: true }
    },

    async ContainerResize({ path, query }) {
      resizeContainer(context, path.id, { columns: query.w, rows: query.h })
      return { modified: true }
    },

    async ContainerInspect({ path, query }) {
      const record = context.store.get(path.id)
      const execIds = context.execs.pendingOf(record)
      const view = execIds.length === 0 ? inspected.of(record, context) : inspectView(record, context, execIds)
      return query?.size ? { ...view, ...(await sizesOf(context, record)) } : view
    },

    async ContainerList({ query }) {
      const filters = query?.filters ?? {}
      const images = 'ancestor' in filters ? await context.images.list() : []
      const matches = containerFilter(filters, {
        find: idOrName => context.store.get(idOrName),
        ancestors: nameOrId => ancestorsOf(nameOrId, images)
      })
      const limit = query?.limit ?? 0
      const showsAll = (query?.all ?? false) || limit > 0 || 'status' in filters || 'exited' in filters
      const rows = context.store
        .list()
        .filter(record => (showsAll || record.state.status === 'running') && matches(record))
        .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
      const now = new Date()
      return Promise.all(
        (limit > 0 ? rows.slice(0, limit) : rows).map(async record => ({
          ...summaryView(record, context.paths, now),
          ...(query?.size && (await sizesOf(context, record)))
        }))
      )
    },

    async ContainerLogs({ path, query }, { signal }) {
      const stdout = query?.stdout ?? false
      const stderr = query?.stderr ?? false
      if (!stdout && !stderr) throw new EngineError('invalid_argument', 'Bad parameters: you must choose at least one stream')
      const tail = query?.tail === undefined || query.tail === '' || query.tail === 'all' ? undefined : Number(query.tail)
      const since = boundOf('since', query?.since)
      const until = boundOf('until', query?.until)
      return containerLogs(
        context,
        path.id,
        {
          stdout,
          stderr,
          timestamps: query?.timestamps ?? false,
          details: query?.details ?? false,
          follow: query?.follow ?? false,
          ...(since !== undefined && { since }),
          ...(until !== undefined && { until }),
          // What is no number means everything, as in Docker.
          ...(tail !== undefined && Number.isInteger(tail) && tail >= 0 && { tail })
        },
        signal
      )
    },

    async ContainerAttach({ path, query }) {
      return attachContainer(context, path.id, {
        logs: query?.logs ?? false,
        stream: query?.stream ?? false,
        stdin: query?.stdin ?? false,
        stdout: query?.stdout ?? false,
        stderr: query?.stderr ?? false,
        ...(query?.detachKeys && { detachKeys: query.detachKeys })
      })
    }
  }
}

function graceOf(seconds: number | undefined) {
  return seconds === undefined ? {} : { graceSeconds: seconds }
}

/** For logs, zero says that there is no bound. */
function boundOf(name: string, given: string | number | undefined): bigint | undefined {
  return String(given) === '0' ? undefined : timestampOf(name, given)
}

async function sizesOf(context: ContainerContext, record: ContainerRecord) {
  const [own, image] = await Promise.all([context.snapshotter.usage(record.id), context.images.get(record.imageId).catch(() => undefined)])
  return { SizeRw: own, SizeRootFs: own + (image?.sizeBytes ?? 0) }
}

/** The image of that name, and the images whose layers begin with its layers. */
function ancestorsOf(nameOrId: string, images: readonly ImageRecord[]): ReadonlySet<string> {
  const tagged = nameOrId.includes(':') || nameOrId.includes('@') ? nameOrId : `${nameOrId}:latest`
  const named = images.filter(
    ({ id, tags }) => tags.includes(nameOrId) || tags.includes(tagged) || id === nameOrId || id.startsWith(`sha256:${nameOrId}`)
  )
  const made = images.filter(image =>
    named.some(base => base.diffIds.length > 0 && base.diffIds.every((diffId, index) => image.diffIds[index] === diffId))
  )
  return new Set([...named, ...made].map(image => image.id))
}

/** The host's network has nothing to publish on: every port of the container is the host's. */
function discardedPorts({ hostConfig }: ContainerRecord): readonly string[] {
  const isAsked = hostConfig.PublishAllPorts || Object.keys(hostConfig.PortBindings ?? {}).length > 0
  return isAsked && hostConfig.NetworkMode === 'host' ? ['Published ports are discarded when using host network mode'] : []
}
