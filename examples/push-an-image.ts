// Make an image of what a container did, push it to a registry, and run it from there.
//
//   node push-an-image.js [image] [registry/name:tag]
import { createEngine } from 'gantry'

const [reference = 'busybox', target] = process.argv.slice(2)

await using engine = await createEngine({ transport: 'in-process' })
await using registry = await engine.registry()

const work = engine.image(reference).run(['sh', '-c', 'echo hello from a registry > /greeting'])
await work
const made = await (await work.container).commit()

// docker push: with the login that the docker command or `gantry login` keeps for that registry.
const push = made.push({ to: target ?? `${registry.address}/greeting:1` })
for await (const event of push) {
  if (event.type === 'image.push.progress' && event.phase !== 'waiting') console.log(`${event.layer}: ${event.phase}`)
}
const { reference: name, digest } = await push
console.log(`pushed: ${name}@${digest}`)

const pulled = await engine.image(name).pull()
console.log(`it says: ${(await pulled.run(['cat', '/greeting'], { remove: true }).text()).trim()}`)
