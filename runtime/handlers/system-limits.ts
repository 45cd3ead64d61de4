import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerContext } from '../containers/container-context.js'

/** Which limits this kernel can set. */
export function limitsOf({ cgroups }: Pick<ContainerContext, 'cgroups'>) {
  const hierarchyOf = (name: string) => cgroups.hierarchies.find(({ controllers }) => controllers.includes(name))
  const has = (name: string) => hierarchyOf(name) !== undefined
  // A v1 kernel has files for what it was built with, in the root group too. A v2 tree has none there: what a controller can do is fixed.
  const hasFile = (name: string, file: string) => {
    const hierarchy = hierarchyOf(name)
    return hierarchy !== undefined && (hierarchy.version === 2 || existsSync(join(hierarchy.mountPoint, file)))
  }
  return {
    MemoryLimit: has('memory'),
    SwapLimit: hasFile('memory', 'memory.memsw.limit_in_bytes'),
    CpuCfsPeriod: hasFile('cpu', 'cpu.cfs_period_us'),
    CpuCfsQuota: hasFile('cpu', 'cpu.cfs_quota_us'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: hierarchyOf('memory')?.version === 1
  }
}

export function kernelSettings() {
  return {
    IPv4Forwarding: readFlag('/proc/sys/net/ipv4/ip_forward'),
    BridgeNfIptables: readFlag('/proc/sys/net/bridge/bridge-nf-call-iptables'),
    BridgeNfIp6tables: readFlag('/proc/sys/net/bridge/bridge-nf-call-ip6tables')
  }
}

/**
 * What this kernel lacks and who can do everything, in Docker's words. Docker's warnings about iptables and bridges are none here: rules are
 * nftables', and what is bridged does not need them.
 *
 * @param openAddresses - Where the engine listens for everybody
 */
export function warningsOf(context: Pick<ContainerContext, 'cgroups'>, openAddresses: readonly string[]): readonly string[] {
  const limits = limitsOf(context)
  const lacking: readonly (readonly [boolean, string])[] = [
    [limits.MemoryLimit, 'No memory limit support'],
    [limits.SwapLimit, 'No swap limit support'],
    [limits.CpuCfsQuota, 'No cpu cfs quota support'],
    [limits.CpuCfsPeriod, 'No cpu cfs period support'],
    [limits.CPUShares, 'No cpu shares support'],
    [limits.CPUSet, 'No cpuset support'],
    [limits.PidsLimit, 'No pids limit support'],
    [kernelSettings().IPv4Forwarding, 'IPv4 forwarding is disabled']
  ]
  return [
    ...openAddresses.map(
      address =>
        `WARNING: API is accessible on ${address.replace(/^tcp:/, 'http:')} without encryption.\n` +
        '         Access to the remote API is equivalent to root access on the host.'
    ),
    ...lacking.flatMap(([isThere, what]) => (isThere ? [] : [`WARNING: ${what}`]))
  ]
}

/** A setting of the kernel; false where it does not exist. Files of /proc/sys are read at once, without any disk. */
function readFlag(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === '1'
  } catch {
    return false
  }
}
