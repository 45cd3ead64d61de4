import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine } from 'gantry'
import type { Lab } from '../lab/lab.js'
import { run } from '../lab/programs.js'
import { serveInNamespace, startRegistry } from '../lab/registry.js'
import { pushVariants } from './layer-variants.js'
import { samplesOf, timeOf } from './measure.js'
import { report } from './report.js'

const rounds = 5
/** Engines and registry write to disk after they have answered. */
const settleMs = 2_000
const binary = 'docker-registry'

/**
 * Push the Debian image to a registry that has nothing of it, beside `docker push`: as it was pulled, when its layer is sent as it came, and as it
 * was loaded from an archive, when its layer is compressed on its way.
 */
export async function benchPush(lab: Lab): Promise<void> {
  const { images, dockerd, world } = lab
  if (images.debian === undefined || dockerd === undefined || world === undefined)
    throw new Error('the bench needs the Debian image and dockerd')
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const archive = join(folder, 'archive.tar')
  const docker = async (...argv: readonly string[]) => void (await run(['docker', '-H', dockerd.host, ...argv]))
  // A second registry: from the one that it was pulled from, everything would be mounted.
  const registry = await startRegistry(binary, folder)
  const inside = await serveInNamespace(binary, folder, registry, world.dockerdNamespace)
  try {
    await using pulling = await createEngine({ transport: 'in-process', root: join(folder, 'pulled') })
    await using loading = await createEngine({ transport: 'in-process', root: join(folder, 'loaded') })
    const variants = await pushVariants(images.debian, rounds)
    const times = { pulled: [] as number[], loaded: [] as number[], theirs: [] as number[] }
    const measure = async (list: number[], name: string, push: (to: string) => PromiseLike<unknown>) => {
      await sleep(settleMs)
      list.push(await timeOf(async () => void (await push(`${registry.address}/${name}-${list.length}:1`))))
    }
    for (const variant of variants) {
      const pulled = await pulling.image(variant).pull()
      await docker('pull', '-q', variant)
      await docker('save', '-o', archive, variant)
      const [loaded] = await loading.load(archive)
      await rm(archive)
      await measure(times.pulled, 'pulled', to => pulled.push({ to }))
      await measure(times.theirs, 'docker', async to => {
        await docker('tag', variant, to)
        await docker('push', '-q', to)
      })
      await measure(times.loaded, 'loaded', async to => await loaded?.push({ to }))
    }
    const peers = [{ name: 'docker push', samples: samplesOf(times.theirs) }]
    console.log(report({ work: 'push the Debian image, which was pulled', ours: samplesOf(times.pulled), peers, goal: 2 }))
    console.log(report({ work: 'push the Debian image, which was loaded', ours: samplesOf(times.loaded), peers, goal: 2 }))
  } finally {
    await inside.stop()
    await registry.program.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
