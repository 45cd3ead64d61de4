import { rm } from 'node:fs/promises'
import { type LabDockerd, removeCgroups, startDockerd } from './dockerd.js'
import { type ImageName, seed } from './images/catalog.js'
import { type FoundParts, findParts, type MissingPart, type PartName } from './parts.js'
import { type Place, takePlace } from './place.js'
import { type LabRegistry, serveInNamespace, startRegistry } from './registry.js'
import { type LabWorld, removeWorld, startWorld } from './world.js'

/** What a lab says about itself: plain data, so that it can be handed to test files and child processes. */
export interface LabInfo {
  /** A registry with the images below. Absent when its part is missing or was not asked for. */
  readonly registry?: { readonly address: string }
  /** References by name, as both the in-process engine and the lab's dockerd pull them. Those that could not be made are absent. */
  readonly images: Readonly<Partial<Record<ImageName, string>>>
  /** Digests of the manifests or indexes of {@link LabInfo.images}. */
  readonly digests: Readonly<Partial<Record<ImageName, string>>>
  /** A real dockerd. */
  readonly dockerd?: { readonly host: string }
  /** A host outside, for what containers reach. */
  readonly world?: LabWorld
  /** Parts that are not there, and why. */
  readonly missing: readonly MissingPart[]
}

/** Real parts for tests, running. Stopping it removes everything it made. */
export interface Lab extends LabInfo, AsyncDisposable {
  /** Idempotent. */
  stop(): Promise<void>
}

/** Which parts to start. */
export interface LabOptions {
  /** @default true */
  readonly registry?: boolean
  /** dockerd and the outside world; both need root. @default true */
  readonly dockerd?: boolean
}

const registryParts: readonly PartName[] = ['registry', 'busybox', 'mmdebstrap', 'skopeo']
const dockerdParts: readonly PartName[] = ['ip', 'unshare', 'dockerd', 'docker-init', 'runc']

/**
 * Start a registry with images in it, a dockerd and a stand-in for the outside world. A part that is not on this
 * machine and cannot be installed is listed in `missing`; the lab does without it. Several labs may run at once.
 *
 * Everything ends with this process, however it ends; folders and namespaces that a killed process left are removed by
 * the next start.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { registry: wantsRegistry = true, dockerd: wantsDockerd = true } = options
  const found = await findParts([...(wantsRegistry ? registryParts : []), ...(wantsDockerd ? dockerdParts : [])])
  const undo: (() => Promise<unknown>)[] = []
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= unwind(undo)
    return stopped
  }
  try {
    const place = await takePlace(left => removeLeft(left, found))
    undo.push(() => rm(place.folder, { recursive: true, force: true, maxRetries: 5 }))
    const missing: MissingPart[] = [...found.missing]
    const registry = wantsRegistry ? await addRegistry(found, place, undo) : undefined
    const seeded = registry ? await seed(registry.address, found) : { images: {}, missing: [] }
    missing.push(...seeded.missing)
    const host = wantsDockerd ? await addDockerd(found, place, registry, undo, missing) : undefined
    return {
      ...(registry ? { registry: { address: registry.address } } : {}),
      images: mapValues(seeded.images, image => image.reference),
      digests: mapValues(seeded.images, image => image.digest),
      ...(host ? { dockerd: { host: host.dockerd.host }, world: host.world } : {}),
      missing,
      stop,
      [Symbol.asyncDispose]: stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Undo = (() => Promise<unknown>)[]

async function addRegistry(found: FoundParts, place: Place, undo: Undo): Promise<LabRegistry | undefined> {
  const binary = found.paths.get('registry')
  if (binary === undefined) return undefined
  const registry = await startRegistry(binary, place.folder)
  undo.push(() => registry.program.stop())
  return registry
}

async function addDockerd(
  found: FoundParts,
  place: Place,
  registry: LabRegistry | undefined,
  undo: Undo,
  missing: MissingPart[]
): Promise<{ readonly dockerd: LabDockerd; readonly world: LabWorld } | undefined> {
  const { paths } = found
  const ip = paths.get('ip')
  const binary = paths.get('dockerd')
  const init = paths.get('docker-init')
  if (process.getuid?.() !== 0) missing.push({ part: 'dockerd', reason: 'dockerd and network namespaces need root' })
  if (process.getuid?.() !== 0 || ip === undefined || binary === undefined || init === undefined || !paths.has('unshare')) return undefined
  const { world, server } = await startWorld(ip, place)
  undo.push(() => removeWorld(ip, place))
  undo.push(() => server.stop())
  if (registry) {
    const inside = await serveInNamespace(paths.get('registry') ?? '', place.folder, registry, world.dockerdNamespace)
    undo.push(() => inside.stop())
  }
  const dockerd = await startDockerd({ dockerd: binary, init }, place, world.dockerdNamespace)
  undo.push(() => dockerd.stop())
  return { dockerd, world }
}

/** The processes of a dead lab died with its owner; what is left are namespaces, links and control groups. */
async function removeLeft(left: Place, found: FoundParts): Promise<void> {
  const ip = found.paths.get('ip')
  if (ip !== undefined) await removeWorld(ip, left)
  await removeCgroups(left)
}

async function unwind(undo: Undo): Promise<void> {
  const failures: unknown[] = []
  for (const step of undo.reverse()) await step().catch(error => failures.push(error))
  if (failures.length > 0) throw new AggregateError(failures, 'The lab could not be taken apart completely')
}

function mapValues<K extends string, A, B>(record: Readonly<Partial<Record<K, A>>>, change: (value: A) => B): Partial<Record<K, B>> {
  const entries = Object.entries(record) as [K, A][]
  // The keys are those of `record`.
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)])) as Partial<Record<K, B>>
}
