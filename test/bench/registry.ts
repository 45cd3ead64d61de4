import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run, startProgram, untilReady } from '../lab/programs.js'
import { startRegistry } from '../lab/registry.js'
import { pushVariants } from './layer-variants.js'
import { samplesOf, timeOf } from './measure.js'
import { report } from './report.js'

const rounds = 7
const settleMs = 1_000

/**
 * Push the Debian image to a registry and pull it from there, with skopeo from and to a folder: `gantry registry` beside Debian's docker-registry.
 * Each round has a layer that neither has seen.
 */
export async function benchRegistry(reference: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  const [ours, theirs] = await Promise.all([startOurs(folder), startRegistry('docker-registry', folder)])
  const times = { pushOurs: [] as number[], pushTheirs: [] as number[], pullOurs: [] as number[], pullTheirs: [] as number[] }
  const copy = (from: string, to: string) => () =>
    run(['skopeo', 'copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false', from, to])
  try {
    for (const [round, variant] of (await pushVariants(reference, rounds)).entries()) {
      const source = `dir:${join(folder, 'source')}`
      await copy(`docker://${variant}`, source)()
      const name = `debian-${round}:1`
      const sides = [
        { address: ours.address, push: times.pushOurs, pull: times.pullOurs },
        { address: theirs.address, push: times.pushTheirs, pull: times.pullTheirs }
      ]
      // Who is first alternates: the first one to read a file reads it from the disk.
      for (const { address, push, pull } of round % 2 === 0 ? sides : sides.reverse()) {
        await sleep(settleMs)
        push.push(await timeOf(copy(source, `docker://${address}/${name}`)))
        await sleep(settleMs)
        pull.push(await timeOf(copy(`docker://${address}/${name}`, `dir:${join(folder, 'target')}`)))
        await rm(join(folder, 'target'), { recursive: true })
      }
      await rm(join(folder, 'source'), { recursive: true })
    }
  } finally {
    await Promise.all([ours.stop(), theirs.program.stop()])
    await rm(folder, { recursive: true, force: true })
  }
  const peer = (samples: readonly number[]) => [{ name: 'docker-registry', samples: samplesOf(samples) }]
  console.log(
    report({ work: 'push the Debian image to a registry (skopeo)', ours: samplesOf(times.pushOurs), peers: peer(times.pushTheirs) })
  )
  console.log(
    report({ work: 'pull the Debian image from a registry (skopeo)', ours: samplesOf(times.pullOurs), peers: peer(times.pullTheirs) })
  )
}

async function startOurs(folder: string): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const command = join(dirname(createRequire(import.meta.url).resolve('gantry/package.json')), 'dist', 'cli.js')
  const argv = [process.execPath, command, 'registry', '--listen', '127.0.0.1:0', '--storage', join(folder, 'ours')]
  const program = startProgram('gantry registry', argv, join(folder, 'ours.log'))
  let address = ''
  await untilReady(program, async () => {
    address = / on (\S+) \(data in /.exec(await program.output())?.[1] ?? ''
    return address !== ''
  })
  return { address, stop: () => program.stop() }
}
