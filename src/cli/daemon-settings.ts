import { homedir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '../errors/index.js'
import type { SettingType, settingTypes } from './setting-types.js'

type TypeName = keyof typeof settingTypes
type ValueOf<Name extends TypeName> = (typeof settingTypes)[Name] extends SettingType<infer Value> ? Value : never

/** A setting: its name in the configuration file (dockerd's), its flag, and what it holds. */
interface Setting {
  readonly key: string
  /** As the command takes it, without the dashes. */
  readonly flag: string
  readonly type: TypeName
  /** Whether it may change while the daemon runs: with SIGHUP, as dockerd's. */
  readonly reloads: boolean
}

/** The settings, by their property. Flags and configuration file are both read from this table. */
export const settingNames = {
  hosts: { key: 'hosts', flag: 'host', type: 'texts', reloads: false },
  root: { key: 'data-root', flag: 'data-root', type: 'text', reloads: false },
  runtime: { key: 'default-runtime', flag: 'default-runtime', type: 'text', reloads: false },
  registryMirrors: { key: 'registry-mirrors', flag: 'registry-mirror', type: 'texts', reloads: true },
  insecureRegistries: { key: 'insecure-registries', flag: 'insecure-registry', type: 'texts', reloads: true },
  httpProxy: { key: 'http-proxy', flag: 'http-proxy', type: 'text', reloads: false },
  httpsProxy: { key: 'https-proxy', flag: 'https-proxy', type: 'text', reloads: false },
  noProxy: { key: 'no-proxy', flag: 'no-proxy', type: 'text', reloads: false },
  trust: { key: 'trust-policy', flag: 'trust-policy', type: 'trust', reloads: true },
  maxConcurrentDownloads: { key: 'max-concurrent-downloads', flag: 'max-concurrent-downloads', type: 'count', reloads: true },
  maxConcurrentUploads: { key: 'max-concurrent-uploads', flag: 'max-concurrent-uploads', type: 'count', reloads: true },
  logDriver: { key: 'log-driver', flag: 'log-driver', type: 'text', reloads: false },
  logOptions: { key: 'log-opts', flag: 'log-opt', type: 'options', reloads: false },
  ulimits: { key: 'default-ulimits', flag: 'default-ulimit', type: 'ulimits', reloads: false },
  shmBytes: { key: 'default-shm-size', flag: 'default-shm-size', type: 'bytes', reloads: true },
  init: { key: 'init', flag: 'init', type: 'boolean', reloads: false },
  dns: { key: 'dns', flag: 'dns', type: 'addresses', reloads: false },
  dnsOptions: { key: 'dns-opts', flag: 'dns-opt', type: 'texts', reloads: false },
  dnsSearch: { key: 'dns-search', flag: 'dns-search', type: 'texts', reloads: false },
  bridgeAddress: { key: 'bip', flag: 'bip', type: 'text', reloads: false },
  addressPools: { key: 'default-address-pools', flag: 'default-address-pool', type: 'pools', reloads: false },
  mtu: { key: 'mtu', flag: 'mtu', type: 'count', reloads: false },
  userlandProxy: { key: 'userland-proxy', flag: 'userland-proxy', type: 'boolean', reloads: false },
  liveRestore: { key: 'live-restore', flag: 'live-restore', type: 'boolean', reloads: true },
  tlsVerify: { key: 'tlsverify', flag: 'tlsverify', type: 'boolean', reloads: false },
  tlsCaCert: { key: 'tlscacert', flag: 'tlscacert', type: 'text', reloads: false },
  tlsCert: { key: 'tlscert', flag: 'tlscert', type: 'text', reloads: false },
  tlsKey: { key: 'tlskey', flag: 'tlskey', type: 'text', reloads: false },
  withoutAuthentication: {
    key: 'insecure-tcp-without-authentication',
    flag: 'insecure-tcp-without-authentication',
    type: 'boolean',
    reloads: false
  },
  group: { key: 'group', flag: 'group', type: 'text', reloads: false },
  pidFile: { key: 'pidfile', flag: 'pidfile', type: 'text', reloads: false },
  shutdownTimeoutSeconds: { key: 'shutdown-timeout', flag: 'shutdown-timeout', type: 'seconds', reloads: true },
  labels: { key: 'labels', flag: 'label', type: 'texts', reloads: true },
  debug: { key: 'debug', flag: 'debug', type: 'boolean', reloads: true },
  logLevel: { key: 'log-level', flag: 'log-level', type: 'level', reloads: false }
} as const satisfies Readonly<Record<string, Setting>>

/** What a daemon can be told, by flags and by its configuration file. Absent: not told. */
export type DaemonSettings = { readonly [Name in keyof typeof settingNames]?: ValueOf<(typeof settingNames)[Name]['type']> }

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
