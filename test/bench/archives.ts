import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createEngine, type Image } from 'gantry'
import { makeImage } from '../lab/images/image.js'
import { makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import type { Lab } from '../lab/lab.js'
import { samplesOf, timeOf } from './measure.js'
import { report } from './report.js'

const rounds = 5
const manyFiles = 10_000
const filesInFolder = 100
/** Both engines write to disk after they have answered. */
const settleMs = 3_000

const execute = promisify(execFile)

/** Load what `docker save` writes of the Debian image, from nothing, and `docker load` of the same file. */
export async function benchLoad(lab: Lab): Promise<void> {
  const { docker, reference } = needs(lab)
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const archive = join(folder, 'image.tar')
  const ours: number[] = []
  const theirs: number[] = []
  try {
    await docker('pull', '-q', reference)
    await docker('save', '-o', archive, reference)
    await using engine = await createEngine({ transport: 'in-process', root: join(folder, 'root') })
    // The first round is not counted.
    for (let round = 0; round <= rounds; round++) {
      await docker('rmi', reference)
      await sleep(settleMs)
      theirs.push(await timeOf(() => docker('load', '-q', '-i', archive)))
      await sleep(settleMs)
      let loaded: readonly Image[] = []
      const load = async (): Promise<void> => {
        loaded = await engine.load(archive)
      }
      ours.push(await timeOf(load))
      for (const image of loaded) await image.remove()
    }
    const megabytes = Math.round((await stat(archive)).size / 1_000_000)
    const peers = [{ name: 'docker load', samples: samplesOf(theirs.slice(1)) }]
    console.log(report({ work: `load an archive of ${megabytes} MB`, ours: samplesOf(ours.slice(1)), peers, goal: 2 }))
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

/** Remove an image of many files, beside one of a single file: the caller waits as long for both. */
export async function benchRemove(lab: Lab): Promise<void> {
  const { docker, registry } = needs(lab)
  const root = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const times = { ours: { few: [] as number[], many: [] as number[] }, theirs: { few: [] as number[], many: [] as number[] } }
  try {
    await using engine = await createEngine({ transport: 'in-process', root })
    for (let round = 0; round <= rounds; round++) {
      for (const [size, count] of [['few', 1] as const, ['many', manyFiles] as const]) {
        const reference = await imageOf(registry, count)
        const image = await engine.image(reference).pull()
        await docker('pull', '-q', reference)
        await sleep(settleMs)
        times.ours[size].push(await timeOf(() => image.remove()))
        times.theirs[size].push(await timeOf(() => docker('rmi', reference)))
      }
    }
    const samples = (some: readonly number[]) => samplesOf(some.slice(1))
    const peers = [
      { name: 'docker rmi', samples: samples(times.theirs.many) },
      { name: 'gantry, an image of 1 file', samples: samples(times.ours.few) },
      { name: 'docker rmi, an image of 1 file', samples: samples(times.theirs.few) }
    ]
    console.log(report({ work: `remove an image of ${manyFiles} files`, ours: samples(times.ours.many), peers }))
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

/** A new image with that many files. @returns its reference */
async function imageOf(registry: string, count: number): Promise<string> {
  const mark = randomBytes(8).toString('hex')
  const paths = Array.from({ length: count }, (_, at) => `d${Math.floor(at / filesInFolder)}/f${at}`)
  const layer = await makeLayer(paths.map(path => ({ kind: 'file', path, content: `${mark} ${path}` })))
  const name = `bench-remove-${mark}`
  await push(registry, name, makeImage([layer], { settings: { Cmd: ['true'], Labels: { mark } } }))
  return `${registry}/${name}:latest`
}

function needs(lab: Lab) {
  const registry = lab.registry?.address
  const host = lab.dockerd?.host
  const reference = lab.images.debian
  if (registry === undefined || host === undefined || reference === undefined)
    throw new Error('the bench needs the registry, dockerd and the Debian image')
  const docker = (...argv: readonly string[]) => execute('docker', argv, { env: { ...process.env, DOCKER_HOST: host } })
  return { registry, reference, docker }
}
