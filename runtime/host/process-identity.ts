import { readFileSync } from 'node:fs'

/** A process that cannot be mistaken for a later one with the same number. JSON-shaped: it is stored in records. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from boot to its start, and the boot: `<ticks>@<boot id>`. Compare for equality only. */
  readonly startTime: string
}

let own: ProcessIdentity | undefined

/** This process. */
export function currentProcess(): ProcessIdentity {
  // Without /proc nothing can be owned across processes; the number alone still tells this process apart while it lives.
  own ??= identify(process.pid) ?? { pid: process.pid, startTime: '' }
  return own
}

/** The process that has this number now, undefined when there is none or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const ticks = parseStartTicks(stat)
  return ticks === undefined ? undefined : { pid, startTime: `${ticks}@${bootId()}` }
}

/** Whether that very process still runs. A zombie does not: it holds nothing any more. */
export function isAlive(identity: ProcessIdentity): boolean {
  const found = identity.pid === process.pid ? currentProcess() : identify(identity.pid)
  return found?.startTime === identity.startTime
}

/**
 * Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)), undefined for a zombie. The second field, the command, may hold
 * spaces and parentheses, so counting begins after the last one.
 */
export function parseStartTicks(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}

let knownBootId: string | undefined

/** Ticks begin anew at each boot: a record from before it must not match by accident. */
function bootId(): string {
  knownBootId ??= readBootId()
  return knownBootId
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
  } catch {
    return ''
  }
}
