// Needs: root and the lab (test/lab). Many containers from several clients of one daemon at once.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine } from 'gantry'
import { SystemInfo } from 'gantry/api'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { exec } from '../conformance/kit/exec.js'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'

const lab = inject('lab')
const obstacle = process.getuid?.() === 0 && lab.images.busybox !== undefined ? undefined : 'needs root and the lab'

const containers = 300
const clients = 8
/** After so many a daemon has made what it keeps. */
const warmUp = 60

describe.skipIf(obstacle !== undefined)(
  `${containers} containers from ${clients} clients${obstacle === undefined ? '' : ` (${obstacle})`}`,
  () => {
    let folder: string
    let before: HostSnapshot
    let daemon: GantryDaemon
    const engines: Engine[] = []
    const roots = () => [join(folder, 'root')]

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'gantry-crowd-'))
      before = await snapshotHost({ roots: roots() })
      daemon = await startGantryDaemon({ folder })
      for (let client = 0; client < clients; client++) engines.push(await createEngine({ host: daemon.host }))
      await engines[0]?.image(lab.images.busybox ?? '').pull()
    })
    afterAll(async () => {
      for (const engine of engines) await engine.close()
      await daemon.stop()
      await rm(folder, { recursive: true, force: true })
    })

    it('are created, started, exec’d, stopped and removed, and leave nothing; memory and descriptors stay within bounds', async () => {
      let next = 0
      const live = async (engine: Engine, last: number) => {
        for (let number = next++; number < last; number = next++) {
          const container = await engine
            .image(lab.images.busybox ?? '')
            .cmd('sleep', '1000')
            .start({ name: `crowd-${number}` })
          const { stdout, exitCode } = await exec(engine, container.id, { Cmd: ['echo', String(number)] })
          expect([stdout, exitCode]).toEqual([`${number}\n`, 0])
          await container.stop({ grace: 0 })
          await container.remove()
        }
      }
      await Promise.all(engines.map(engine => live(engine, warmUp)))
      const first = footprint(daemon.pid)
      next = warmUp
      await Promise.all(engines.map(engine => live(engine, containers)))
      const second = footprint(daemon.pid)
      const info = await (engines[0] as Engine).raw.call(SystemInfo, {})
      expect(info.Containers).toBe(0)
      console.log(
        `daemon: ${first.memoryMiB} MiB and ${first.descriptors} descriptors after ${warmUp}, ${second.memoryMiB} and ${second.descriptors} after ${containers}`
      )
      expect(second.descriptors - first.descriptors).toBeLessThan(clients * 2)
      expect(second.memoryMiB - first.memoryMiB).toBeLessThan(96)
    })

    it('leave nothing on the machine', async () => {
      for (const engine of engines) await engine.close()
      await daemon.stop()
      expect(await leftoversSince(before, { roots: roots() })).toEqual([])
    })
  }
)

function footprint(pid: number): { readonly memoryMiB: number; readonly descriptors: number } {
  const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]
  return { memoryMiB: Math.round(Number(pss) / 1024), descriptors: readdirSync(`/proc/${pid}/fd`).length }
}
