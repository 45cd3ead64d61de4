// The six steps of `docker run -i -t ubuntu /bin/bash`, each shown as it happens.
//
//   npm run quickstart [image]
import { setTimeout as delay } from 'node:timers/promises'
import { createEngine, type Engine, EngineError, type ImageSpec } from 'gantry'
import { megabytes, StepDisplay, short } from './display/step-display.js'
import { typeInto } from './display/typed-session.js'

const reference = process.argv[2] ?? 'ubuntu'
const display = new StepDisplay(process.stdout)
const interactive = process.stdin.isTTY && process.stdout.isTTY

try {
  display.title(`docker run -i -t ${reference} /bin/bash`)
  await quickstart()
} catch (error) {
  display.endProgress()
  if (!EngineError.is(error)) throw error
  console.error(`\n  ${error.code}: ${error.message}\n`)
  process.exitCode = 1
}

async function quickstart(): Promise<void> {
  await using engine = await createEngine()
  const chosen = engine.explain().find(candidate => candidate.chosen)
  display.note('engine', [engine.transport, chosen?.endpoint].filter(Boolean).join(', '))

  // 1. The image: pulled when it is missing.
  const { image, note } = await pullOrHost(engine)
  display.step(1, 'image', note)

  // 2 to 5. A container, its layer, its network, its process: the events say when.
  const announced = announceStart(engine)
  const shell = image.run(['/bin/bash'], { tty: true })
  await Promise.race([announced, delay(5000, undefined, { ref: false })])

  display.rule()
  const exitCode = interactive
    ? await shell.terminal.attach(process)
    : await typeInto(shell, ['head -n 1 /etc/os-release', 'hostname', 'echo hello > /root/note', 'exit'], text =>
        process.stdout.write(text)
      )
  display.rule()

  // 6. It has stopped, and is still there.
  const container = await shell.container
  const { status } = await container.state()
  display.step(6, 'exit', `exit code ${exitCode}; the container has ${status}, is still there, and could be started again`)
  await container.remove()
  display.note('removed', container.name)
  display.note('left', await whatIsLeft(engine, image.reference))
  display.note('next', 'npm run example -- run-and-capture       output, exit codes and JSON of programs')
  display.note('', 'npm run example -- interactive-shell     any image, any command, your terminal')
  display.note('', 'npm run example -- remote-over-a-socket  the same calls against a Docker daemon\n')
}

/** The image to run; where its registry cannot be reached, this machine's own root file system, copy-on-write. */
async function pullOrHost(engine: Engine): Promise<{ image: ImageSpec; note: string }> {
  const image = engine.image(reference)
  try {
    const pull = image.pull({ policy: 'missing' })
    let from = 'already here'
    for await (const event of pull) {
      if (event.type === 'image.pull.progress') display.progress(event)
      if (event.type === 'image.pulled' && !event.fromCache) from = `pulled, ${megabytes(event.bytes)}`
    }
    const { id, tags } = await pull
    return { image, note: `${tags[0] ?? reference}  ${short(id)}  ${from}` }
  } catch (error) {
    if (!EngineError.is(error) || error.code !== 'unavailable' || engine.transport !== 'in-process') throw error
    display.note('offline', `${registryOf(reference)} cannot be reached: using this machine's own files, copy-on-write`)
    return { image: engine.hostImage(), note: "this machine's root file system; nothing of it can be written, or is sent anywhere" }
  }
}

/** A first part with a dot, a colon or the name localhost is a host; anything else is on Docker Hub. */
function registryOf(name: string): string {
  const [first = '', ...rest] = name.split('/')
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : 'Docker Hub'
}

/** Print steps 2 to 5 as their events come; resolves after the last. */
async function announceStart(engine: Engine): Promise<void> {
  for await (const event of engine.events({
    types: ['container.created', 'container.layered', 'container.networked', 'container.started']
  })) {
    if (event.type === 'container.created') display.step(2, 'container', `${event.name}  ${short(event.id)}`)
    if (event.type === 'container.layered') display.step(3, 'layer', "read-write, on top of the image's")
    if (event.type === 'container.networked') display.step(4, 'network', await address(engine, event.id))
    if (event.type === 'container.started') return display.step(5, 'start', '/bin/bash on a terminal; leave it with exit')
  }
}

/** What the container got on the default bridge. */
async function address(engine: Engine, id: string): Promise<string> {
  const container = await engine.container(id)
  const { NetworkSettings } = await container.inspect()
  const [endpoint] = Object.entries(NetworkSettings.Networks)
  if (endpoint === undefined) return 'none'
  const [network, { IPAddress, IPPrefixLen, Gateway }] = endpoint
  return `${IPAddress}/${IPPrefixLen} on ${network}, gateway ${Gateway}, outgoing traffic translated`
}

/** Look, rather than promise. */
async function whatIsLeft(engine: Engine, reference: string): Promise<string> {
  const containers: string[] = []
  for await (const { name } of engine.containers({ all: true })) containers.push(name)
  if (containers.length > 0) return `containers that were here before: ${containers.join(', ')}`
  for await (const { tags, sizeBytes } of engine.images()) {
    if (tags.includes(reference)) return `nothing but the image, ${megabytes(sizeBytes)} unpacked: the next run starts at once`
  }
  return 'nothing'
}
