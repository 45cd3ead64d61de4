import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Kernel } from '../../runtime/host/kernel.js'
import { openKernel } from '../../runtime/host/koffi-kernel.js'
import { removeTree, removeTreeSync } from '../../runtime/host/remove-tree.js'
import { unpackLayer } from '../../runtime/layers/unpack-layer.js'
import { EngineError } from '../../src/errors/index.js'
import { nextDescriptor } from '../regression/ways-in.js'
import { openWorld, type World } from '../unit/runtime/images/world.js'
import { describeTree, makeCanary } from './canary.js'
import { Random } from './random.js'
import { targets } from './targets.js'

export interface FuzzOptions {
  readonly count: number
  /** The n-th archive is that of the seed `seed + n`: any of them can be made again alone. */
  readonly seed: number
  /** How many archives between two looks at what must not change. @default 50 */
  readonly batch?: number
}

export interface FuzzResult {
  /** How many archives came to what, as `layer data_loss`. */
  readonly outcomes: ReadonlyMap<string, number>
  /** What must not be, each with the seed that shows it. */
  readonly failures: readonly { readonly seed: number; readonly what: string }[]
  readonly slowestMs: { readonly ms: number; readonly seed: number }
}

/** What an archive may be answered with. Everything else (`internal`, `failed`, an error of Node's own) is a defect. */
const verdicts: ReadonlySet<string> = new Set([
  'data_loss',
  'invalid_argument',
  'already_exists',
  'conflict',
  'not_supported',
  'permission_denied',
  'resource_exhausted'
])

/** After so many there is enough to look at. */
const mostFailures = 20

/**
 * Unpack generated archives in this process, and see that none of them changes anything outside its target, ends with an error that says
 * nothing, or keeps a descriptor open.
 */
export async function fuzz({ count, seed, batch = 50 }: FuzzOptions): Promise<FuzzResult> {
  const workspace = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gantry-fuzz-'))
  const images = await openWorld({ parent: workspace, unpack: (source, options) => unpackLayer(copied(source), options) })
  const world = new Workspace(workspace, { kernel: await openKernel(), images })
  const outcomes = new Map<string, number>()
  const failures: { seed: number; what: string }[] = []
  let slowestMs = { ms: 0, seed }
  try {
    for (let first = seed; first < seed + count && failures.length < mostFailures; first += batch) {
      const seeds = Array.from({ length: Math.min(batch, seed + count - first) }, (_, index) => first + index)
      for (const one of seeds) {
        const { outcome, isVerdict, ms } = await world.unpack(one)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        // One of each kind is enough to look at.
        if (!isVerdict && outcomes.get(outcome) === 1) failures.push({ seed: one, what: outcome })
        if (ms > slowestMs.ms) slowestMs = { ms, seed: one }
      }
      if ((await world.damage()) !== undefined) failures.push(...(await culprits(world, seeds)))
      world.clear()
    }
  } finally {
    await images[Symbol.asyncDispose]()
    await removeTree(workspace)
  }
  return { outcomes, failures, slowestMs }
}

/** Which archives of a batch did it: each once more, alone. */
async function culprits(world: Workspace, seeds: readonly number[]): Promise<readonly { seed: number; what: string }[]> {
  const found: { seed: number; what: string }[] = []
  for (const seed of seeds) {
    world.clear()
    await world.unpack(seed)
    const what = await world.damage()
    if (what !== undefined) found.push({ seed, what })
  }
  world.clear()
  return found.length > 0 ? found : [{ seed: seeds[0] ?? 0, what: `one of ${seeds.length} archives from here on, together with others` }]
}

/**
 * ```
 * <workspace>/outside/         what nobody may touch
 * <workspace>/images-…/       images that are loaded, and removed again
 * <workspace>/<seed>/root/     the target of an archive
 * ```
 */
class Workspace {
  readonly #folder: string
  readonly #kernel: Kernel
  readonly #images: World
  readonly #outside: string
  readonly #token: string
  readonly #descriptors: number
  readonly #seeds = new Set<string>()
  #before: string

  constructor(folder: string, { kernel, images }: { readonly kernel: Kernel; readonly images: World }) {
    this.#folder = folder
    this.#kernel = kernel
    this.#images = images
    this.#outside = path.join(folder, 'outside')
    this.#token = `${path.basename(folder)}-out`
    this.#descriptors = nextDescriptor()
    makeCanary(this.#outside)
    this.#before = describeTree(this.#outside)
  }

  async unpack(seed: number): Promise<{ readonly outcome: string; readonly isVerdict: boolean; readonly ms: number }> {
    const random = new Random(seed)
    const target = random.pick(targets)
    const root = path.join(this.#folder, `${seed}`, 'root')
    mkdirSync(root, { recursive: true })
    this.#seeds.add(`${seed}`)
    const begun = performance.now()
    const result = await target
      .run(root, { random, kernel: this.#kernel, images: this.#images, prey: { outside: this.#outside, depth: 2, token: this.#token } })
      .then(
        () => ({ outcome: 'done', isVerdict: true }),
        (error: unknown) => verdictOf(error, target.verdicts ?? [])
      )
    return { outcome: `${target.name} ${result.outcome}`, isVerdict: result.isVerdict, ms: performance.now() - begun }
  }

  /** What changed that must not, in words. */
  async damage(): Promise<string | undefined> {
    const outside = describeTree(this.#outside)
    if (outside !== this.#before) return `outside the target:\n${difference(this.#before, outside)}`
    const strangers = readdirSync(this.#folder).filter(name => !this.#isOwn(name) && !this.#seeds.has(name))
    if (strangers.length > 0) return `beside the targets: ${strangers.join(', ')}`
    for (const seed of this.#seeds) {
      const around = path.join(this.#folder, seed)
      const { mode, uid, isDirectory } = { ...lstatSync(around), isDirectory: lstatSync(around).isDirectory() }
      if (!isDirectory || (mode & 0o7777) !== 0o755 || uid !== 0)
        return `the folder that the target is in: mode ${mode.toString(8)}, user ${uid}`
      if (readdirSync(around).join() !== 'root') return `beside the target: ${readdirSync(around).join(', ')}`
    }
    for (const place of ['/', tmpdir(), process.cwd()]) if (existsSync(path.join(place, this.#token))) return `in ${place}: ${this.#token}`
    if (await this.#leaksDescriptor()) return 'a descriptor is open still'
    return undefined
  }

  /** What is here before an archive comes. */
  #isOwn(name: string): boolean {
    return name === 'outside' || name === path.basename(this.#images.root)
  }

  /** Streams close what they have a little later. */
  async #leaksDescriptor(): Promise<boolean> {
    for (let turn = 0; turn < 100; turn++) {
      if (nextDescriptor() <= this.#descriptors) return false
      await setTimeout(turn)
    }
    return true
  }

  /** Begin anew. */
  clear(): void {
    for (const name of readdirSync(this.#folder)) {
      if (name !== path.basename(this.#images.root)) removeTreeSync(path.join(this.#folder, name))
    }
    this.#seeds.clear()
    makeCanary(this.#outside)
    this.#before = describeTree(this.#outside)
  }
}

/** As the thread that unpacks gets them: its own to keep. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of source) yield Buffer.from(piece)
}

function verdictOf(error: unknown, more: readonly string[]): { readonly outcome: string; readonly isVerdict: boolean } {
  if (EngineError.is(error)) {
    const isVerdict = verdicts.has(error.code) || more.includes(error.code)
    return { outcome: isVerdict ? error.code : `${error.code}: ${kindOf(error.message)}`, isVerdict }
  }
  return { outcome: error instanceof Error ? kindOf(error.stack ?? error.message) : String(error), isVerdict: false }
}

/** A message without its names, so that one kind of failure counts as one. */
function kindOf(message: string): string {
  return message.replaceAll(/unpacking .* into \S+ failed/gs, 'unpacking failed').replaceAll(/'[^']*'|\/\S*/g, '…')
}

function difference(before: string, after: string): string {
  const known = new Set(before.split('\n'))
  const now = new Set(after.split('\n'))
  return [
    ...[...known].filter(line => !now.has(line)).map(line => `- ${line}`),
    ...[...now].filter(line => !known.has(line)).map(line => `+ ${line}`)
  ].join('\n')
}
