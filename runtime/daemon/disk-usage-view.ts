import type { SystemDataUsageResponse } from '../../src/api/index.js'

/** Disk usage as it is told since API 1.52: totals by kind, and what they are of only when asked for. */
export function diskUsageView(usage: SystemDataUsageResponse, verbose: boolean): SystemDataUsageResponse {
  const { Images, Containers, Volumes, BuildCache, LayersSize = 0 } = usage
  return {
    ...(Images && { ImageUsage: { ...imageTotals(Images, LayersSize), ...(verbose && { Items: Images }) } }),
    ...(Containers && { ContainerUsage: { ...containerTotals(Containers), ...(verbose && { Items: Containers }) } }),
    ...(Volumes && { VolumeUsage: { ...volumeTotals(Volumes), ...(verbose && { Items: Volumes }) } }),
    ...(BuildCache && {
      BuildCacheUsage: {
        ...totals(
          BuildCache,
          item => item.Size ?? 0,
          item => item.InUse === true
        ),
        ...(verbose && { Items: BuildCache })
      }
    })
  }
}

type List<K extends 'Images' | 'Containers' | 'Volumes'> = NonNullable<SystemDataUsageResponse[K]>

/** What images share counts once, so the total is that of the layers; images in use keep what is theirs alone. */
function imageTotals(images: List<'Images'>, layersBytes: number) {
  const counts = totals(
    images,
    image => image.Size - Math.max(image.SharedSize, 0),
    image => image.Containers > 0
  )
  const inUse = counts.TotalSize - counts.Reclaimable
  return { ...counts, TotalSize: layersBytes, Reclaimable: Math.max(layersBytes - inUse, 0) }
}

function containerTotals(containers: List<'Containers'>) {
  return totals(
    containers,
    container => container.SizeRw ?? 0,
    container => container.State === 'running' || container.State === 'paused'
  )
}

function volumeTotals(volumes: List<'Volumes'>) {
  return totals(
    volumes,
    volume => Math.max(volume.UsageData?.Size ?? 0, 0),
    volume => (volume.UsageData?.RefCount ?? 0) > 0
  )
}

function totals<T>(items: readonly T[], sizeOf: (item: T) => number, isActive: (item: T) => boolean) {
  const sum = (some: readonly T[]) => some.reduce((bytes, item) => bytes + sizeOf(item), 0)
  return {
    ActiveCount: items.filter(isActive).length,
    TotalCount: items.length,
    Reclaimable: sum(items.filter(item => !isActive(item))),
    TotalSize: sum(items)
  }
}
