import { homedir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '../errors/index.js'

/** What a daemon can be told, by flags and by its configuration file. Absent: not told. */
export interface DaemonSettings {
  readonly hosts?: readonly string[]
  readonly root?: string
  readonly runtime?: string
  readonly registryMirrors?: readonly string[]
  readonly insecureRegistries?: readonly string[]
  readonly tlsVerify?: boolean
  readonly tlsCaCert?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly group?: string
  readonly pidFile?: string
  readonly debug?: boolean
  readonly shutdownTimeoutSeconds?: number
  readonly labels?: readonly string[]
  /** Listen on TCP for everybody. */
  readonly withoutAuthentication?: boolean
}

/** A setting: its name in the configuration file (dockerd's), its flag, and what it holds. */
interface Setting {
  readonly key: string
  readonly flag: string
  readonly type: 'text' | 'texts' | 'boolean' | 'seconds'
}

/** The settings, by their property. Flags and configuration file are both read from this table. */
export const settingNames = {
  hosts: { key: 'hosts', flag: 'host', type: 'texts' },
  root: { key: 'data-root', flag: 'root', type: 'text' },
  runtime: { key: 'default-runtime', flag: 'default-runtime', type: 'text' },
  registryMirrors: { key: 'registry-mirrors', flag: 'registry-mirror', type: 'texts' },
  insecureRegistries: { key: 'insecure-registries', flag: 'insecure-registry', type: 'texts' },
  tlsVerify: { key: 'tlsverify', flag: 'tlsverify', type: 'boolean' },
  tlsCaCert: { key: 'tlscacert', flag: 'tlscacert', type: 'text' },
  tlsCert: { key: 'tlscert', flag: 'tlscert', type: 'text' },
  tlsKey: { key: 'tlskey', flag: 'tlskey', type: 'text' },
  group: { key: 'group', flag: 'group', type: 'text' },
  pidFile: { key: 'pidfile', flag: 'pidfile', type: 'text' },
  debug: { key: 'debug', flag: 'debug', type: 'boolean' },
  shutdownTimeoutSeconds: { key: 'shutdown-timeout', flag: 'shutdown-timeout', type: 'seconds' },
  labels: { key: 'labels', flag: 'label', type: 'texts' },
  withoutAuthentication: {
    key: 'insecure-tcp-without-authentication',
    flag: 'insecure-tcp-without-authentication',
    type: 'boolean'
  }
} as const satisfies { readonly [K in keyof DaemonSettings]-?: Setting }

/** Where a daemon listens unless told. */
export const defaultHost = 'unix:///run/gantry.sock'

/** The TLS files for TCP; undefined where TLS was not asked for. The defaults are dockerd's. */
export function tlsFiles(settings: DaemonSettings): { readonly ca: string; readonly cert: string; readonly key: string } | undefined {
  const { tlsVerify, tlsCaCert, tlsCert, tlsKey } = settings
  if (!tlsVerify) {
    if ((tlsCaCert ?? tlsCert ?? tlsKey) === undefined) return undefined
    throw new EngineError(
      'invalid_argument',
      '--tlscacert, --tlscert and --tlskey need --tlsverify: clients are known by their certificates'
    )
  }
  const folder = process.env.DOCKER_CERT_PATH ?? join(homedir(), '.docker')
  return {
    ca: tlsCaCert ?? join(folder, 'ca.pem'),
    cert: tlsCert ?? join(folder, 'cert.pem'),
    key: tlsKey ?? join(folder, 'key.pem')
  }
}
