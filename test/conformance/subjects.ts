import { join } from 'node:path'
import { createEngine, type Engine } from 'gantry'
import { gantryDaemonHost, startGantryDaemon } from '../lab/gantry-daemon.js'
import type { LabInfo } from '../lab/lab.js'

/** Where a test file's engines keep their data. */
export interface Place {
  readonly lab: LabInfo
  /** A folder that is the file's own; engines of one file share their data through it. */
  readonly folder: string
}

/** A way to an engine that the whole suite runs on. */
export interface Subject {
  /** Its column in the table. */
  readonly name: string
  /** Why it cannot run here. */
  obstacle(lab: LabInfo): string | undefined
  /** Path of the network namespace whose loopback has the published ports; undefined: this process's own. */
  portsIn(lab: LabInfo): string | undefined
  /** Start what answers for this subject on a place; the function it gives ends it. Absent: it is there already. */
  serve?(place: Place): Promise<() => Promise<void>>
  /** The options for `createEngine`. Plain data: behaviours also hand them to child processes. */
  options(place: Place): NonNullable<Parameters<typeof createEngine>[0]>
}

/** Every engine that has to behave alike. A new transport is one entry. */
export const subjects: readonly Subject[] = [
  {
    name: 'in-process',
    obstacle: () => (process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'needs root on Linux'),
    portsIn: () => undefined,
    options: ({ folder }) => ({ transport: 'in-process', root: join(folder, 'root') })
  },
  {
    name: 'gantry daemon',
    obstacle: () => (process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'needs root on Linux'),
    portsIn: () => undefined,
    async serve({ folder }) {
      const daemon = await startGantryDaemon({ folder })
      return () => daemon.stop()
    },
    options: ({ folder }) => ({ host: gantryDaemonHost(folder) })
  },
  {
    name: 'dockerd',
    obstacle: lab => (lab.dockerd ? undefined : "needs the lab's dockerd"),
    portsIn: lab => lab.world?.dockerdNamespace,
    options: ({ lab }) => ({ host: lab.dockerd?.host ?? '' })
  }
]

/** Open an engine of a subject. */
export function open(subject: Subject, place: Place): Promise<Engine> {
  return createEngine(subject.options(place))
}
