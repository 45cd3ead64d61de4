import { channel } from 'node:diagnostics_channel'

/**
 * Steps after which a process may die and leave something half done. Each is one line of the code that works on images, between two changes
 * to the disk; `docs/decisions/010-crash-points.md` says what they are for.
 */
export type CrashPoint =
  | `blob.${'opened' | 'written' | 'synced' | 'renamed' | 'removed'}`
  | `layer.${'prepared' | 'unpacked' | 'placed' | 'recorded' | 'committed' | 'unrecorded' | 'thrown-away'}`
  | `lease.${'taken' | 'abandoned'}`
  | `image.${'resolved' | 'recording' | 'recorded' | 'removing' | 'removed'}`
  | `garbage.${'layers-gone' | 'blobs-gone' | 'recorded'}`
  | `commit.${'packing' | 'packed'}`

const points = channel('gantry:crash-point')

/**
 * Tell whoever listens on the diagnostics channel `gantry:crash-point` in this process (a test that ends it there) that this step was
 * reached. Nobody else can make anything happen here: without a listener it is one look at a flag.
 */
export function crashPoint(name: CrashPoint): void {
  if (points.hasSubscribers) points.publish(name)
}
