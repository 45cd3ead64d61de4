import type { TestProject } from 'vitest/node'
import { type Lab, type LabInfo, startLab } from './lab.js'

declare module 'vitest' {
  interface ProvidedContext {
    lab: LabInfo
  }
}

interface Shared {
  readonly lab: Promise<Lab>
  users: number
}

/** Each project loads this file by itself; the lab is one for the whole run. */
const registered = globalThis as { [key: symbol]: Shared | undefined }
const key = Symbol.for('gantry.test.lab')

/** Vitest's global setup: the lab starts with the first project that needs it and stops with the last. */
export async function setup(project: TestProject): Promise<void> {
  const shared: Shared = registered[key] ?? { lab: startLab(), users: 0 }
  registered[key] = shared
  shared.users++
  const { registry, images, digests, dockerd, world, missing } = await shared.lab
  for (const { part, reason } of missing) console.warn(`Without ${part}: ${reason}`)
  project.provide('lab', {
    ...(registry ? { registry } : {}),
    images,
    digests,
    ...(dockerd ? { dockerd } : {}),
    ...(world ? { world } : {}),
    missing
  })
}

/** Vitest's global teardown. */
export async function teardown(): Promise<void> {
  const shared = registered[key]
  if (shared === undefined || --shared.users > 0) return
  registered[key] = undefined
  await (await shared.lab).stop()
}
