import { posix } from 'node:path'
import type { ContainerConfig } from '../../src/api/index.js'
import type { ImageConfig } from '../images/image-service.js'

/**
 * A container's configuration: the caller's over the image's, by Docker's rules. An entrypoint of one empty string takes the image's
 * away; an entrypoint given without a command drops the image's command, which was meant for the image's entrypoint.
 */
export function mergeConfig(caller: ContainerConfig, image: ImageConfig | undefined): ContainerConfig {
  const merged = image === undefined ? caller : mergeImage(caller, image)
  return isReset(merged.Entrypoint) ? { ...merged, Entrypoint: null } : merged
}

function mergeImage(caller: ContainerConfig, image: ImageConfig): ContainerConfig {
  const keepsEntrypoint = caller.Entrypoint === undefined || caller.Entrypoint === null
  const hasEntrypoint = (caller.Entrypoint?.length ?? 0) > 0
  const hasCommand = (caller.Cmd?.length ?? 0) > 0
  return {
    ...caller,
    User: caller.User || image.User || '',
    WorkingDir: cleanFolder(caller.WorkingDir || image.WorkingDir || ''),
    Env: caller.Env || image.Env ? mergeEnvironment(caller.Env ?? [], image.Env ?? []) : null,
    Entrypoint: keepsEntrypoint ? (image.Entrypoint ?? null) : caller.Entrypoint,
    Cmd: !hasEntrypoint && !hasCommand ? (image.Cmd ?? null) : (caller.Cmd ?? null),
    Labels: { ...image.Labels, ...caller.Labels },
    ...mergedMap('ExposedPorts', image.ExposedPorts, caller.ExposedPorts),
    ...mergedMap('Volumes', image.Volumes, caller.Volumes),
    ...stopSignal(caller, image),
    ...(caller.StopTimeout === undefined && image.StopTimeout !== undefined && { StopTimeout: image.StopTimeout }),
    ...(image.OnBuild && { OnBuild: image.OnBuild }),
    ...healthCheck(caller, image)
  }
}

/** As Go's path.Clean: `/a/../b/` is `/b`. */
function cleanFolder(path: string): string {
  return path === '' ? '' : posix.normalize(path).replace(/(.)\/$/, '$1')
}

/** The caller's variables first, then those of the image that the caller does not set. */
function mergeEnvironment(caller: readonly string[], image: readonly string[]): readonly string[] {
  const names = new Set(caller.map(nameOf))
  return [...caller, ...image.filter(pair => !names.has(nameOf(pair)))]
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0] ?? pair
}

function mergedMap(
  key: 'ExposedPorts' | 'Volumes',
  image: Readonly<Record<string, object>> | undefined,
  caller: Readonly<Record<string, object>> | null | undefined
) {
  return image === undefined && !caller ? {} : { [key]: { ...image, ...caller } }
}

/** What the caller leaves out of a check is the image's. */
function healthCheck({ Healthcheck: own }: ContainerConfig, { Healthcheck: from }: ImageConfig) {
  if (from === undefined) return {}
  const { Test: test, Interval, Timeout, Retries, StartPeriod, StartInterval } = own ?? {}
  return {
    Healthcheck: {
      ...from,
      ...(test && test.length > 0 && { Test: test }),
      ...(Interval && { Interval }),
      ...(Timeout && { Timeout }),
      ...(Retries && { Retries }),
      ...(StartPeriod && { StartPeriod }),
      ...(StartInterval && { StartInterval })
    }
  }
}

function stopSignal(caller: ContainerConfig, image: ImageConfig) {
  const signal = caller.StopSignal || image.StopSignal
  return signal ? { StopSignal: signal } : {}
}

function isReset(entrypoint: readonly string[] | null | undefined): boolean {
  return entrypoint?.length === 1 && entrypoint[0] === ''
}
