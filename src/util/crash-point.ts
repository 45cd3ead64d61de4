import { channel } from 'node:diagnostics_channel'

/**
 * Steps after which a process may die and leave something half done. Each is one line of the code that works on images, between two changes
 * to the disk or to a registry; `docs/decisions/015-crash-points.md` says what they are for.
 */
export const crashPoints = [
  'blob.opened',
  'blob.written',
  'blob.synced',
  'blob.renamed',
  'blob.removed',
  'layer.prepared',
  'layer.unpacked',
  'layer.placed',
  'layer.recorded',
  'layer.committed',
  'layer.unrecorded',
  'layer.thrown-away',
  'lease.taken',
  'lease.abandoned',
  'image.resolved',
  'image.recording',
  'image.recorded',
  'image.removing',
  'image.removed',
  'garbage.layers-gone',
  'garbage.blobs-gone',
  'garbage.recorded',
  'commit.packing',
  'commit.packed',
  'load.read',
  'load.blobs-stored',
  'load.layers-stored',
  'push.planned',
  'push.compressed',
  'push.blobs-sent',
  'push.tagged',
  'push.released',
  'upload.begun',
  'upload.sending',
  'upload.finished'
] as const

/** The name of a step. */
export type CrashPoint = (typeof crashPoints)[number]

const points = channel('gantry:crash-point')

/**
 * Tell whoever listens on the diagnostics channel `gantry:crash-point` in this process (a test that ends it there) that this step was
 * reached. Nobody else can make anything happen here: without a listener it is one look at a flag.
 */
export function crashPoint(name: CrashPoint): void {
  if (points.hasSubscribers) points.publish(name)
}
