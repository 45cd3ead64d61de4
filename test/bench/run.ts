/**
 * Speed beside the peers, in one run: `npm run bench [-- run pull push shared pull-memory import exec many memory daemon remote registry load remove]`. Prints times and ratios; judges nothing.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createEngine, type Engine } from 'gantry'
import { ContainerExec, ExecInspect, ExecStart } from 'gantry/api'
import { type Lab, startLab } from '../lab/lab.js'
import { benchLoad, benchRemove } from './archives.js'
import { benchDaemon } from './daemon.js'
import { benchPullMemory, benchShared } from './images.js'
import { pushVariants } from './layer-variants.js'
import { benchMany, benchMemory } from './many.js'
import { inTurns, samplesOf, timeOf } from './measure.js'
import { benchPush } from './push.js'
import { benchRegistry } from './registry.js'
import { benchRemote } from './remote.js'
import { report } from './report.js'

const pullRounds = 5
/** Both engines write to disk after they have answered. */
const settleMs = 3_000

const execute = promisify(execFile)

const benches: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  run: benchRun,
  pull: benchPull,
  push: benchPush,
  import: benchImport,
  exec: benchExec,
  many: benchMany,
  memory: benchMemory,
  shared: benchShared,
  'pull-memory': benchPullMemory,
  daemon: benchDaemon,
  remote: benchOverSocket,
  registry: lab => benchRegistry(need(lab.images.debian, 'the Debian image')),
  load: benchLoad,
  remove: benchRemove
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2)
  const unknown = asked.filter(name => !(name in benches))
  if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`)
  await using lab = await startLab()
  for (const { part, reason } of lab.missing) console.log(`missing: ${part}: ${reason}`)
  for (const name of asked.length > 0 ? asked : Object.keys(benches)) await benches[name]?.(lab)
}

/** `docker run --rm image true`, and the same here: image present, default bridge, container gone afterwards. */
async function benchRun(lab: Lab): Promise<void> {
  const reference = need(lab.images.busybox, 'the busybox image')
  await withEngine(async engine => {
    await engine.image(reference).pull()
    await docker(lab, 'pull', '-q', reference)
    const [ours, docked, unnetworked] = await inTurns(
      [
        async () => {
          const run = engine.image(reference).run(['true'], { remove: true })
          const { exitCode } = await run
          if (exitCode !== 0) throw new Error(`true exited with ${exitCode}`)
        },
        () => docker(lab, 'run', '--rm', reference, 'true'),
        () => docker(lab, 'run', '--rm', '--network', 'none', reference, 'true')
      ],
      { rounds: 30, warmUp: 3 }
    )
    if (!ours || !docked || !unnetworked) return
    const peers = [
      { name: 'docker run --rm', samples: docked },
      { name: 'docker run --rm --network none', samples: unnetworked }
    ]
    console.log(report({ work: "run(['true']) on the default bridge", ours, peers, goal: 15 }))
  })
}

/** `docker exec container true`, and the same three calls here: set up, start and read to the end, ask for the exit code. */
async function benchExec(lab: Lab): Promise<void> {
  const reference = need(lab.images.busybox, 'the busybox image')
  await withEngine(async engine => {
    await engine.image(reference).pull()
    await docker(lab, 'pull', '-q', reference)
    const name = `gantry-bench-exec-${process.pid}`
    const { id } = await engine.image(reference).cmd('sleep', '1000').start()
    await docker(lab, 'run', '-d', '--network', 'none', '--name', name, reference, 'sleep', '1000')
    try {
      const [ours, docked] = await inTurns([() => execTrue(engine, id), () => docker(lab, 'exec', name, 'true')], { rounds: 30, warmUp: 3 })
      if (!ours || !docked) return
      console.log(
        report({ work: "exec(['true']) in a running container", ours, peers: [{ name: 'docker exec', samples: docked }], goal: 8 })
      )
    } finally {
      await docker(lab, 'rm', '-f', name)
    }
  })
}

async function execTrue(engine: Engine, id: string): Promise<void> {
  const body = { Cmd: ['true'], AttachStdout: true, AttachStderr: true }
  const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body })
  const { output } = await engine.raw.call(ExecStart, { path: { id: Id }, body: { Detach: false } })
  for await (const _ of output);
  const { ExitCode } = await engine.raw.call(ExecInspect, { path: { id: Id } })
  if (ExitCode !== 0) throw new Error(`true exited with ${ExitCode}`)
}

/** Pull and unpack the Debian image from the same registry, from nothing; beside it one bare gunzip of its layer. */
async function benchPull(lab: Lab): Promise<void> {
  const references = await pushVariants(need(lab.images.debian, 'the Debian image'), pullRounds)
  const ours: number[] = []
  const theirs: number[] = []
  const gunzip: number[] = []
  const root = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  try {
    await using engine = await createEngine({ transport: 'in-process', root })
    for (const reference of references) {
      ours.push(await timeOf(async () => void (await engine.image(reference).pull())))
      const layer = await largestBlob(root)
      gunzip.push(await timeOf(() => execute('sh', ['-c', 'gzip -dc "$1" > /dev/null', 'sh', layer])))
      theirs.push(await timeOf(() => docker(lab, 'pull', '-q', reference)))
      await sleep(settleMs)
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
  const peers = [
    { name: 'docker pull', samples: samplesOf(theirs) },
    { name: 'gzip -dc of the layer', samples: samplesOf(gunzip) }
  ]
  console.log(report({ work: 'pull and unpack the Debian image', ours: samplesOf(ours), peers, goal: 3 }))
}

/** What `import 'gantry'` adds to a bare node. */
async function benchImport(): Promise<void> {
  const node = (source: string) => () =>
    execute(process.execPath, ['--input-type=module', '-e', source], { cwd: new URL('.', import.meta.url) })
  const [bare, ours, dockerode] = await inTurns([node(''), node("await import('gantry')"), node("await import('dockerode')")], {
    rounds: 15,
    warmUp: 2
  })
  if (!bare || !ours || !dockerode) return
  const over = (samples: typeof bare) => ({
    ...samples,
    p50: samples.p50 - bare.p50,
    p95: samples.p95 - bare.p50,
    min: samples.min - bare.min
  })
  console.log(
    report({
      work: 'import, over a bare node (goal: under 50 ms)',
      ours: over(ours),
      peers: [{ name: 'dockerode', samples: over(dockerode) }]
    })
  )
}

/** Calls over a socket, beside another client of the same daemon. */
async function benchOverSocket(lab: Lab): Promise<void> {
  await benchRemote(need(lab.dockerd?.host, 'dockerd'), need(lab.images.busybox, 'the busybox image'))
}

async function withEngine(work: (engine: Engine, root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  try {
    await using engine = await createEngine({ transport: 'in-process', root })
    await work(engine, root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function docker(lab: Lab, ...argv: readonly string[]): Promise<void> {
  const host = need(lab.dockerd?.host, 'dockerd')
  await execute('docker', argv, { env: { ...process.env, DOCKER_HOST: host } })
}

async function largestBlob(root: string): Promise<string> {
  const folder = join(root, 'content', 'blobs', 'sha256')
  const sizes = await Promise.all(
    (await readdir(folder)).map(async name => ({ path: join(folder, name), size: (await stat(join(folder, name))).size }))
  )
  return need(sizes.sort((a, b) => b.size - a.size)[0]?.path, 'a layer')
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the bench needs ${what}, which the lab does not have`)
  return value
}

await main()
