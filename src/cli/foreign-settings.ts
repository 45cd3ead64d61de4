import { isDeepStrictEqual } from 'node:util'
import { EngineError } from '../errors/index.js'

/**
 * Keys of dockerd's `daemon.json` that this daemon has no choice in, with the values that say what it does anyway: a file that was written for
 * dockerd need not be changed for those. Other values of them are not built.
 */
export const foreignKeys: Readonly<Record<string, readonly unknown[]>> = {
  'allow-nondistributable-artifacts': [[]],
  'api-cors-header': [''],
  'authorization-plugins': [[]],
  bridge: [''],
  'cgroup-parent': [''],
  containerd: [],
  'containerd-namespace': ['moby'],
  'containerd-plugin-namespace': ['plugins.moby'],
  'cpu-rt-period': [0],
  'cpu-rt-runtime': [0],
  'default-cgroupns-mode': ['host'],
  'default-gateway': [''],
  'default-gateway-v6': [''],
  'default-ipc-mode': ['private'],
  'default-network-opts': [{}],
  'exec-opts': [[], ['native.cgroupdriver=cgroupfs']],
  'exec-root': [''],
  experimental: [false],
  features: [{}],
  'fixed-cidr': [''],
  'fixed-cidr-v6': [''],
  'host-gateway-ip': [''],
  icc: [true],
  ip: ['', '0.0.0.0'],
  'ip-forward': [true],
  'ip-masq': [true],
  ip6tables: [true, false],
  iptables: [true],
  ipv6: [false],
  'log-format': ['text'],
  'max-download-attempts': [],
  'metrics-addr': [''],
  'network-control-plane-mtu': [],
  'no-new-privileges': [false],
  'node-generic-resources': [[]],
  'oom-score-adjust': [0],
  'raw-logs': [false],
  runtimes: [{}],
  'seccomp-profile': ['', 'builtin', 'default'],
  'selinux-enabled': [false],
  'storage-driver': ['', 'overlay2'],
  'storage-opts': [[]],
  'swarm-default-advertise-addr': [''],
  tls: [false],
  'userland-proxy-path': [''],
  'userns-remap': ['']
}

/** Whether a key is dockerd's, and says what is so anyway. @throws EngineError `not_implemented` where it says something else */
export function isForeignSetting(key: string, value: unknown, path: string): boolean {
  const same = Object.hasOwn(foreignKeys, key) ? foreignKeys[key] : undefined
  if (same === undefined) return false
  if (same.some(known => isDeepStrictEqual(known, value))) return true
  const only = same.filter(known => known !== '').map(known => JSON.stringify(known))
  const hint = only.length === 0 ? 'remove it' : `what it can be is ${only.join(' or ')}`
  throw new EngineError('not_implemented', `${key} (in ${path}): ${JSON.stringify(value)} is not built yet; ${hint}`, {
    details: { key, value }
  })
}
