import { hostname } from 'node:os'
import type { ContainerContext } from '../containers/container-context.js'
import type { EventFacts } from '../events/event-log.js'
import { engineId } from './system-info.js'

/** The event that says that an engine's settings have changed, with those that are in force now: dockerd's `daemon reload`. */
export function reloadEvent({ settings: { current }, oci, paths, session }: ContainerContext): EventFacts {
  return {
    Type: 'daemon',
    Action: 'reload',
    id: engineId(paths.root),
    attributes: {
      debug: String(current.debug),
      'default-cgroupns-mode': 'host',
      'default-ipc-mode': 'private',
      'default-runtime': oci.name,
      'default-shm-size': String(current.shmBytes),
      features: 'map[]',
      'insecure-registries': JSON.stringify(current.insecureRegistries),
      labels: JSON.stringify(current.labels),
      'live-restore': String(session.keeps && current.liveRestore),
      'max-concurrent-downloads': String(current.maxConcurrentDownloads),
      'max-concurrent-uploads': String(current.maxConcurrentUploads),
      name: hostname(),
      'registry-mirrors': JSON.stringify(current.registryMirrors),
      runtimes: `${oci.name}:${oci.path}`,
      'shutdown-timeout': String(current.shutdownTimeoutSeconds)
    }
  }
}
