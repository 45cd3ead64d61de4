// The same API over the socket of a Docker daemon, of Podman, or of anything else that speaks the Docker Engine API.
//
//   node remote-over-a-socket.js [image] [host]        host: unix:///run/user/1000/podman/podman.sock
import { createEngine } from 'gantry'

const [reference = 'alpine', host = 'unix:///var/run/docker.sock'] = process.argv.slice(2)

await using engine = await createEngine({ host })
const { version, apiVersion, os, arch } = await engine.info()
console.log(`engine ${version} on ${os}/${arch}, API ${apiVersion}, reached over ${engine.transport}`)

await engine.image(reference).pull({ policy: 'missing' })
engine.on('container.exited', event => console.log(`event: ${event.name} exited with ${event.exitCode}`))

const running = engine.image(reference).run(['sh', '-c', 'echo hello from a daemon'])
console.log((await running.text()).trim())

const container = await running.container
console.log(`${container.name} is ${(await container.state()).status}`)
await container.remove()
