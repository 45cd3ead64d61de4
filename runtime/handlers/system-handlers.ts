import { arch, release } from 'node:os'
import { basename } from 'node:path'
import type { Handlers, SystemVersionResponse } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { initProgram } from '../containers/container-init.js'
import { ociRuntimeVersion } from '../oci/runtime-version.js'
import { type SystemFacts, systemInfo } from './system-info.js'
import { timestampOf } from './timestamp.js'
import { runtimeApiVersion, smallestApiVersion, version } from './version.js'

/** Go's names of architectures that Node names differently. */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** `1` is the classic builder: clients then send a build as one request, and not BuildKit's protocol. */
const builderVersion = '1'

/** The operations of the engine as a whole. */
export function systemHandlers(context: ContainerContext, facts: SystemFacts = { registries: {}, openAddresses: () => [] }): Handlers {
  return {
    SystemPing: async () => 'OK',

    SystemPingHead: async () => ({
      'api-version': runtimeApiVersion,
      'builder-version': builderVersion,
      'docker-experimental': 'false',
      ostype: 'linux',
      swarm: 'inactive'
    }),

    SystemVersion: () => systemVersion(context),

    SystemInfo: () => systemInfo(context, facts),

    async SystemEvents({ query }, { signal }) {
      const since = timestampOf('since', query?.since)
      const until = timestampOf('until', query?.until)
      if (since !== undefined && until !== undefined && since > until) {
        const message = `\`since\` time (${query?.since}) cannot be after \`until\` time (${query?.until})`
        throw new EngineError('invalid_argument', message, { details: { field: 'query.since' } })
      }
      return context.events.subscribe({
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
        filters: query?.filters ?? {},
        signal
      })
    }
  }
}

async function systemVersion({ host, oci }: ContainerContext): Promise<SystemVersionResponse> {
  const init = initProgram()
  const engine = {
    ApiVersion: runtimeApiVersion,
    MinAPIVersion: smallestApiVersion,
    Os: 'linux',
    Arch: goArchitectures[arch()] ?? arch(),
    KernelVersion: release()
  }
  return {
    Platform: { Name: 'Gantry' },
    Components: [
      { Name: 'Engine', Version: version, Details: { ...engine, Experimental: 'false', GoVersion: `none (Node.js ${process.version})` } },
      { Name: oci.name, Version: await ociRuntimeVersion(host, oci.path), Details: { Path: oci.path } },
      ...(init === undefined ? [] : [{ Name: basename(init), Version: await ociRuntimeVersion(host, init), Details: { Path: init } }])
    ],
    Version: version,
    ...engine
  }
}
