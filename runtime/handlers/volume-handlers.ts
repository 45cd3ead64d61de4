import { type Handlers, keepLabel, sessionLabel, type Volume } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { VolumeRecord } from '../volumes/volume-record.js'
import { filterFlag, isAnonymous, volumeFilter } from './volume-filters.js'

/** The operations of `/volumes`. */
export function volumeHandlers(context: Pick<ContainerContext, 'volumes'>): Handlers {
  const { volumes } = context
  const view = (record: VolumeRecord) => volumeView(record, volumes.mountpoint(record.name))
  return {
    async VolumeCreate({ body }) {
      if (body.ClusterVolumeSpec) {
        throw new EngineError('not_implemented', 'ClusterVolumeSpec: cluster volumes need a swarm, which is not built yet', {
          details: { field: 'ClusterVolumeSpec' }
        })
      }
      const labels = body.Labels ?? {}
      const record = await volumes.create({
        ...(body.Name && { name: body.Name }),
        ...(body.Driver && { driver: body.Driver }),
        options: body.DriverOpts ?? null,
        labels: body.Labels ?? null,
        ofSession: sessionLabel in labels && labels[keepLabel] !== 'true'
      })
      return view(record)
    },

    VolumeInspect: async ({ path }) => view(volumes.get(path.name)),

    async VolumeList({ query }) {
      const matches = volumeFilter(query?.filters ?? {}, ['dangling', 'driver', 'label', 'label!', 'name'])
      const users = volumes.users()
      const found = volumes.list().filter(record => matches(record, { isUsed: users.has(record.name) }))
      return { Volumes: found.map(view), Warnings: null }
    },

    async VolumeDelete({ path, query }) {
      try {
        await volumes.remove(path.name)
      } catch (error) {
        if (!(query?.force && EngineError.is(error) && error.code === 'not_found')) throw error
      }
      return { modified: true }
    },

    async VolumePrune({ query }) {
      const { all = [], ...filters } = query?.filters ?? {}
      const takesNamed = filterFlag('all', all) ?? false
      const matches = volumeFilter(filters, ['label', 'label!'])
      const { names, reclaimedBytes } = await volumes.prune(
        record => (takesNamed || isAnonymous(record)) && matches(record, { isUsed: false })
      )
      return { VolumesDeleted: names, SpaceReclaimed: reclaimedBytes }
    },

    async VolumeUpdate({ path }) {
      volumes.get(path.name)
      throw new EngineError('unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable')
    }
  }
}

/** All volumes with what they take, for the engine's disk usage. */
export async function volumeUsage(context: Pick<ContainerContext, 'volumes'>): Promise<readonly Volume[]> {
  const { volumes } = context
  const users = volumes.users()
  return Promise.all(
    volumes.list().map(async record => ({
      ...volumeView(record, volumes.mountpoint(record.name)),
      UsageData: { Size: await volumes.usage(record.name), RefCount: users.get(record.name)?.length ?? 0 }
    }))
  )
}

function volumeView(record: VolumeRecord, mountpoint: string): Volume {
  return {
    CreatedAt: record.createdAt,
    Driver: record.driver,
    Labels: record.labels,
    Mountpoint: mountpoint,
    Name: record.name,
    Options: record.options,
    Scope: 'local'
  }
}
