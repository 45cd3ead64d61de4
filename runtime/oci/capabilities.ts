import { readFile } from 'node:fs/promises'
import { EngineError } from '../../src/errors/index.js'

/** Every capability by number, linux/capability.h. */
const capabilitiesByNumber = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE'
] as const

/** What a container has unless told otherwise, as in Docker. */
const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE'
]

/** What this process may hand on: its bounding set. A host may lack some (dockerd fails there on `--privileged`; we give what there is). */
export async function readBoundingSet(): Promise<ReadonlySet<string>> {
  const status = await readFile('/proc/self/status', 'utf8')
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  return new Set(capabilitiesByNumber.filter((_name, number) => (mask >> BigInt(number)) & 1n))
}

/** What decides a container's capabilities. */
export interface CapabilityOptions {
  readonly privileged: boolean
  readonly add: readonly string[]
  readonly drop: readonly string[]
}

/**
 * A container's capabilities, following Docker's rules for `--cap-add`, `--cap-drop` and `--privileged`, cut to
 * `available`.
 *
 * @throws EngineError `invalid_argument` for a name that is no capability
 */
export function capabilitiesOf(options: CapabilityOptions, available: ReadonlySet<string>): readonly string[] {
  const add = options.add.map(name => normalise(name, 'CapAdd'))
  const drop = options.drop.map(name => normalise(name, 'CapDrop'))
  const all = capabilitiesByNumber.filter(name => available.has(name))
  if (options.privileged) return all
  const from = add.includes('ALL') ? all : drop.includes('ALL') ? [] : defaultCapabilities
  const chosen = new Set(from.filter(name => !drop.includes(name)))
  for (const name of add) if (name !== 'ALL') chosen.add(name)
  return [...chosen].filter(name => available.has(name))
}

function normalise(name: string, field: 'CapAdd' | 'CapDrop'): string {
  const upper = name.toUpperCase()
  if (upper === 'ALL') return upper
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (capabilitiesByNumber.some(known => known === full)) return full
  throw new EngineError('invalid_argument', `invalid ${field}: unknown capability: ${JSON.stringify(full)}`, {
    details: { capability: name }
  })
}
