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
  /** Whether it may change while the daemon runs: with SIGHUP, as dockerd's. */
  readonly reloads: boolean
}

/** The settings, by their property. Flags and configuration file are both read from this table. */
export const settingNames = {
  hosts: { key: 'hosts', flag: 'host', type: 'texts', reloads: false },
  root: { key: 'data-root', flag: 'root', type: 'text', reloads: false },
  runtime: { key: 'default-runtime', flag: 'default-runtime', type: 'text', reloads: false },
  registryMirrors: { key: 'registry-mirrors', flag: 'registry-mirror', type: 'texts', reloads: true },
  insecureRegistries: { key: 'insecure-registries', flag: 'insecure-registry', type: 'texts', reloads: true },
  tlsVerify: { key: 'tlsverify', flag: 'tlsverify', type: 'boolean', reloads: false },
  tlsCaCert: { key: 'tlscacert', flag: 'tlscacert', type: 'text', reloads: false },
  tlsCert: { key: 'tlscert', flag: 'tlscert', type: 'text', reloads: false },
  tlsKey: { key: 'tlskey', flag: 'tlskey', type: 'text', reloads: false },
  group: { key: 'group', flag: 'group', type: 'text', reloads: false },
  pidFile: { key: 'pidfile', flag: 'pidfile', type: 'text', reloads: false },
  debug: { key: 'debug', flag: 'debug', type: 'boolean', reloads: true },
  shutdownTimeoutSeconds: { key: 'shutdown-timeout', flag: 'shutdown-timeout', type: 'seconds', reloads: true },
  labels: { key: 'labels', flag: 'label', type: 'texts', reloads: true },
  withoutAuthentication: {
    key: 'insecure-tcp-without-authentication',
    flag: 'insecure-tcp-without-authentication',
    type: 'boolean',
    reloads: false
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
