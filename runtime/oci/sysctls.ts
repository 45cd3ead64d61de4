import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

/** Settings that every IPC namespace has for itself, apart from those below `fs.mqueue`. */
const ofIpc: ReadonlySet<string> = new Set(
  'msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced'.split(' ').map(name => `kernel.${name}`)
)

/**
 * Refuse kernel settings that are not the container's own: they would be the host's. In runc's words, which are what Docker answers
 * with (runc, libcontainer/configs/validate).
 *
 * @throws EngineError `failed`
 */
export function checkSysctls(hostConfig: HostConfig, domainname: string): void {
  const settings = Object.keys(hostConfig.Sysctls ?? {})
  // Docker sets the domain name as one of them.
  if (domainname !== '' && hostConfig.UTSMode === 'host') settings.push('kernel.domainname')
  for (const setting of settings) {
    const why = whyNot(setting.replaceAll('/', '.'), hostConfig)
    if (why === undefined) continue
    throw new EngineError('failed', `OCI runtime create failed: sysctl ${JSON.stringify(setting)} ${why}: unknown`, {
      details: { field: 'HostConfig.Sysctls', value: setting }
    })
  }
}

function whyNot(setting: string, { IpcMode: ipc, NetworkMode: network, UTSMode: uts }: HostConfig): string | undefined {
  if (ofIpc.has(setting) || setting.startsWith('fs.mqueue.')) {
    return ipc === 'host' ? 'is not allowed in the hosts ipc namespace' : undefined
  }
  if (setting.startsWith('net.')) return network === 'host' ? 'not allowed in host network namespace' : undefined
  if (setting === 'kernel.domainname' && uts !== 'host') return undefined
  if (setting === 'kernel.hostname' && uts !== 'host') return 'is not allowed as it conflicts with the OCI "hostname" field'
  return 'is not in a separate kernel namespace'
}
