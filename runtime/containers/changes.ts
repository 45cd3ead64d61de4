import { type EnginePaths, type LayerChange, layerChanges } from '../snapshots/layer-changes.js'
import type { ContainerContext } from './container-context.js'

/** What the engine mounts in every container: these places are made in its layer, and nobody in it did that. */
export const enginePaths: EnginePaths = {
  directories: new Set(['/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/etc', '/proc', '/sys', '/sys/fs', '/sys/fs/cgroup']),
  files: new Set(['/.dockerenv', '/dev/console', '/etc/hostname', '/etc/hosts', '/etc/mtab', '/etc/resolv.conf'])
}

/**
 * What a container has changed of its image's files, running or not. Volumes and other mounts are no part of it, but the places where
 * they are mounted are, as in Docker, where the image does not have them.
 *
 * @throws EngineError `not_found`; the signal's reason on abort
 */
export function containerChanges(context: ContainerContext, idOrName: string, signal: AbortSignal): Promise<readonly LayerChange[]> {
  return layerChanges(context.snapshotter.mounts(context.store.get(idOrName).id), enginePaths, signal)
}
