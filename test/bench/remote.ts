import { createRequire } from 'node:module'
import { createEngine } from 'gantry'
import { ContainerInspect } from 'gantry/api'
import { inTurns } from './measure.js'
import { report } from './report.js'

/** As much of dockerode as is used here: it has no types of its own. */
interface Dockerode {
  getContainer(id: string): { inspect(): Promise<unknown> }
}

const calls = 400

/** Inspections of one container, one after the other and 16 at once, beside dockerode on the same dockerd. */
export async function benchRemote(host: string, reference: string): Promise<void> {
  // The reason for the cast: the interface above is what it has.
  const Docker = createRequire(import.meta.url)('dockerode') as new (options: { socketPath: string }) => Dockerode
  const docker = new Docker({ socketPath: host.replace('unix://', '') })
  await using engine = await createEngine({ host })
  const { id } = await engine.image(reference).cmd('true').create()
  const ours = () => engine.raw.call(ContainerInspect, { path: { id } })
  const theirs = () => docker.getContainer(id).inspect()
  for (const atOnce of [1, 16]) {
    const [gantry, dockerode] = await inTurns([() => repeat(ours, atOnce), () => repeat(theirs, atOnce)], { rounds: 7, warmUp: 2 })
    if (!gantry || !dockerode) return
    const peers = [{ name: 'dockerode', samples: dockerode }]
    console.log(report({ work: `${calls} inspections over a UNIX socket, ${atOnce} at once`, ours: gantry, peers, goal: 1.5 }))
  }
}

async function repeat(call: () => Promise<unknown>, atOnce: number): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let done = 0; done < calls / atOnce; done++) await call()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
