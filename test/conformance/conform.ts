import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine, EngineOptions, ImageSpec } from 'gantry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { ImageName } from '../lab/images/catalog.js'
import type { LabInfo } from '../lab/lab.js'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'
import type { PartName } from '../lab/parts.js'
import { type PublishOptions, publish } from './kit/publish.js'
import { open, type Place, type Subject, subjects } from './subjects.js'
import { record } from './table.js'

/** What a behaviour is given: an engine, and things to try it on. */
export interface Context {
  /** Shared by the behaviours of one file. Containers that a behaviour leaves are removed after it. */
  readonly engine: Engine
  /** How `engine` was made, for behaviours that need another process. */
  readonly options: EngineOptions
  readonly lab: LabInfo
  /** busybox, pulled already. */
  readonly image: ImageSpec
  /** The reference of one of the lab's images. */
  reference(name: ImageName): string
  /** Push an image that nobody has seen; gives its reference. */
  publish(options?: PublishOptions): Promise<string>
  /** Another engine on the same data, closed after the behaviour. */
  open(): Promise<Engine>
  /** Path of the network namespace whose loopback has the published ports; undefined: this process's own. */
  readonly portsIn: string | undefined
  /** A name nobody else uses. */
  unique(prefix?: string): string
}

/** One behaviour, told with the public API only. */
export type Behaviour = (context: Context) => Promise<void>

/** Behaviours by name: a sentence that is true of every engine. */
export type Behaviours = Readonly<Record<string, Behaviour>>

/** What the behaviours of a file need from the lab besides busybox. */
export interface ConformOptions {
  readonly images?: readonly ImageName[]
  readonly world?: boolean
  /** Programs that the behaviours look with. */
  readonly parts?: readonly PartName[]
  /** Subjects that do not have this at all yet, and why: their rows say `skip`. */
  readonly later?: Readonly<Record<string, string>>
}

/** Run behaviours on every subject, and end each with the check that nothing is left on this machine. */
export function conform(theme: string, behaviours: Behaviours, options: ConformOptions = {}): void {
  const lab = inject('lab')
  for (const subject of subjects) {
    const obstacle = subject.obstacle(lab) ?? missingFrom(lab, options) ?? options.later?.[subject.name]
    describe(`${theme} (${subject.name})`, () => runOn(subject, { theme, behaviours, lab, obstacle }))
  }
}

interface Suite {
  readonly theme: string
  readonly behaviours: Behaviours
  readonly lab: LabInfo
  readonly obstacle: string | undefined
}

const nothingIsLeft = 'when its engine is closed, nothing is left on this machine'
const noWarnings = 'the process was warned of nothing (leaks, deprecations)'
let counter = 0

function runOn(subject: Subject, { theme, behaviours, lab, obstacle }: Suite): void {
  const row = (behaviour: string) => ({ theme, behaviour, subject: subject.name })
  if (obstacle !== undefined) {
    for (const name of [...Object.keys(behaviours), noWarnings, nothingIsLeft]) {
      record({ ...row(name), outcome: 'skip', reason: obstacle })
      it.skip(`${name} (${obstacle})`)
    }
    return
  }
  let place: Place
  let engine: Engine
  let before: HostSnapshot
  let stopServing = async (): Promise<void> => {}
  const others: Engine[] = []
  const warnings: string[] = []
  const note = (warning: Error): void => {
    warnings.push(`${warning.name}: ${warning.message}`)
  }
  beforeAll(async () => {
    process.on('warning', note)
    place = { lab, folder: await mkdtemp(join(tmpdir(), 'gantry-conformance-')) }
    before = await snapshotHost({ roots: dataRoots(place) })
    stopServing = (await subject.serve?.(place)) ?? stopServing
    engine = await open(subject, place)
    await engine.image(lab.images.busybox ?? '').pull({ policy: 'missing' })
  })
  afterAll(async () => {
    process.off('warning', note)
    // Those of a behaviour that did not end.
    await closeAll(others)
    await engine?.close()
    await stopServing()
    await rm(place.folder, { recursive: true, force: true })
  })
  for (const [name, behaviour] of Object.entries(behaviours)) {
    it(name, async () => {
      await recorded(row(name), async () => {
        try {
          await behaviour(contextOf(engine, place, subject, others))
        } finally {
          await closeAll(others)
          await removeContainers(engine)
        }
      })
    })
  }
  it(noWarnings, () => recorded(row(noWarnings), async () => expect(warnings).toEqual([])))
  it(nothingIsLeft, async () => {
    await recorded(row(nothingIsLeft), async () => {
      await engine.close()
      await stopServing()
      expect(await leftoversSince(before, { roots: dataRoots(place) })).toEqual([])
    })
  })
}

/** In-process engines of a file keep their data there; the other subjects have no root of their own to leave things in. */
function dataRoots(place: Place): readonly string[] {
  return [join(place.folder, 'root')]
}

function contextOf(engine: Engine, place: Place, subject: Subject, others: Engine[]): Context {
  const { lab } = place
  return {
    engine,
    options: subject.options(place),
    lab,
    image: engine.image(lab.images.busybox ?? ''),
    reference: name => lab.images[name] ?? '',
    publish: options => publish(lab, options),
    portsIn: subject.portsIn(lab),
    async open() {
      const other = await open(subject, place)
      others.push(other)
      return other
    },
    unique: (prefix = 'conformance') => `${prefix}-${process.pid}-${++counter}`
  }
}

async function recorded(row: { theme: string; behaviour: string; subject: string }, action: () => Promise<void>): Promise<void> {
  // A behaviour that never comes back is stopped by the test's time limit, from outside: then this is its last word.
  record({ ...row, outcome: 'fail', reason: 'did not end' })
  try {
    await action()
    record({ ...row, outcome: 'pass' })
  } catch (error) {
    record({ ...row, outcome: 'fail', reason: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

async function closeAll(engines: Engine[]): Promise<void> {
  for (let engine = engines.pop(); engine; engine = engines.pop()) await engine.close()
}

async function removeContainers(engine: Engine): Promise<void> {
  for await (const container of engine.containers({ all: true })) await container.remove({ force: true, volumes: true }).catch(() => {})
}

function missingFrom(lab: LabInfo, { images = [], world = false, parts = [] }: ConformOptions): string | undefined {
  const absent = ['busybox' as const, ...images].find(name => lab.images[name] === undefined)
  if (absent !== undefined) return `needs the lab's ${absent} image`
  const missing = lab.missing.find(({ part }) => parts.some(name => name === part))
  if (missing !== undefined) return missing.reason
  return world && lab.world === undefined ? "needs the lab's network" : undefined
}
