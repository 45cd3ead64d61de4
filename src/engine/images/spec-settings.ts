import type { ContainerCreateRequest, HealthConfig, HostConfig, PortBinding } from '../../api/index.js'
import { type Endpoint, endpointSettings } from '../networks/endpoint.js'
import type { TerminalSize } from '../processes/process.js'
import type { CheckedMount } from '../volumes/mount-source.js'
import type { RawCreate } from './image.js'

/** A network that a container is to be on. */
export interface SpecNetwork {
  readonly id: string
  readonly name: string
  readonly endpoint: Endpoint
}

/** What an image spec was told, checked. */
export interface SpecSettings {
  readonly reference: string
  readonly platform?: string
  readonly cmd?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly user?: string
  readonly hostname?: string
  readonly labels?: Readonly<Record<string, string>>
  /** As the Engine API writes it: `none`, `host`, `container:<id>`. */
  readonly network?: string
  /** Networks of one's own; the first is the container's mode, the others are connected to before the start. */
  readonly networks?: readonly SpecNetwork[]
  /** By container port. Nothing in a list's place: a free port of the host. */
  readonly ports?: Readonly<Record<string, readonly PortBinding[]>>
  readonly mounts?: readonly CheckedMount[]
  readonly health?: HealthConfig
  readonly restart?: { readonly policy: 'no' | 'always' | 'unless-stopped' | 'on-failure'; readonly maximumRetries?: number }
  readonly dns?: readonly string[]
  readonly hosts?: Readonly<Record<string, string>>
  readonly memoryBytes?: number
  readonly cpus?: number
  readonly pids?: number
  readonly privileged?: boolean
  readonly readOnly?: boolean
  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  readonly seccomp?: string
  readonly noNewPrivileges?: boolean
  readonly raw?: RawCreate
}

/** What a verb adds to a spec. */
export interface CreateSettings {
  readonly tty: boolean
  /** Connected to the caller from the start. */
  readonly attached: boolean
  readonly remove: boolean
  /** The session's own; they win over the caller's. */
  readonly labels: Readonly<Record<string, string>>
  readonly size?: TerminalSize
}

/** The Engine API's container-create body. `raw` is merged over everything but the session's labels. */
export function createBody(spec: SpecSettings, create: CreateSettings): ContainerCreateRequest {
  const first = spec.networks?.[0]
  const made = {
    Image: spec.reference,
    ...(spec.cmd && { Cmd: spec.cmd }),
    ...(spec.entrypoint && { Entrypoint: spec.entrypoint.length === 0 ? [''] : spec.entrypoint }),
    ...(spec.env && { Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`) }),
    ...(spec.cwd !== undefined && { WorkingDir: spec.cwd }),
    ...(spec.user !== undefined && { User: spec.user }),
    ...(spec.hostname !== undefined && { Hostname: spec.hostname }),
    ...(spec.ports && { ExposedPorts: Object.fromEntries(Object.keys(spec.ports).map(port => [port, {}])) }),
    ...(spec.health && { Healthcheck: spec.health }),
    // A terminal nobody is attached to yet can be attached to later, and typed on.
    ...(create.tty && { Tty: true, OpenStdin: true }),
    ...(create.attached && { AttachStdin: true, AttachStdout: true, AttachStderr: true, OpenStdin: true, StdinOnce: true }),
    HostConfig: hostConfig(spec, create),
    ...(first && { NetworkingConfig: { EndpointsConfig: { [first.name]: endpointSettings(first.endpoint) } } })
  }
  const { Config, HostConfig: rawHostConfig, NetworkingConfig } = spec.raw ?? {}
  const raw = { ...Config, ...(rawHostConfig && { HostConfig: rawHostConfig }), ...(NetworkingConfig && { NetworkingConfig }) }
  // The reason for the cast: what the caller adds is checked by the operation's schema.
  const merged = merge({ ...made, Labels: spec.labels ?? {} }, raw) as ContainerCreateRequest
  return { ...merged, Labels: { ...merged.Labels, ...create.labels } }
}

function hostConfig(spec: SpecSettings, create: CreateSettings): HostConfig {
  const network = spec.networks?.[0]?.name ?? spec.network
  const mounts = (spec.mounts ?? []).flatMap(item => ('mount' in item ? [item.mount] : []))
  const securityOpt = [
    ...(spec.seccomp === undefined ? [] : [`seccomp=${spec.seccomp}`]),
    ...(spec.noNewPrivileges === undefined ? [] : [`no-new-privileges=${spec.noNewPrivileges}`])
  ]
  return {
    ...(network !== undefined && { NetworkMode: network }),
    ...(spec.ports && { PortBindings: spec.ports }),
    ...(mounts.length > 0 && { Mounts: mounts }),
    ...(spec.restart && {
      RestartPolicy: {
        Name: spec.restart.policy,
        ...(spec.restart.maximumRetries !== undefined && { MaximumRetryCount: spec.restart.maximumRetries })
      }
    }),
    ...(spec.dns && { Dns: spec.dns }),
    ...(spec.hosts && { ExtraHosts: Object.entries(spec.hosts).map(([name, address]) => `${name}:${address}`) }),
    ...(spec.memoryBytes !== undefined && { Memory: spec.memoryBytes }),
    ...(spec.cpus !== undefined && { NanoCpus: Math.round(spec.cpus * 1e9) }),
    ...(spec.pids !== undefined && { PidsLimit: spec.pids }),
    ...(spec.privileged !== undefined && { Privileged: spec.privileged }),
    ...(spec.readOnly !== undefined && { ReadonlyRootfs: spec.readOnly }),
    ...(spec.capAdd && { CapAdd: spec.capAdd }),
    ...(spec.capDrop && { CapDrop: spec.capDrop }),
    ...(securityOpt.length > 0 && { SecurityOpt: securityOpt }),
    ...(create.remove && { AutoRemove: true }),
    ...(create.size && { ConsoleSize: [create.size.rows, create.size.columns] })
  }
}

type Plain = Readonly<Record<string, unknown>>

function merge(under: Plain, over: Plain): Plain {
  const merged: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    merged[key] = isPlain(below) && isPlain(value) ? merge(below, value) : value
  }
  return merged
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
