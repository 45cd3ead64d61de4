// A registry of your own, as a cache of where an image comes from: what is pulled through it is kept there.
//
//   node registry.js [image]
import { createEngine } from 'gantry'

const [reference = 'busybox'] = process.argv.slice(2)
const [host = '', ...path] = reference.split('/')
const isNamed = path.length > 0 && /[.:]|^localhost$/.test(host)
const upstream = isNamed ? `${/^(127\.|localhost)/.test(host) ? 'http' : 'https'}://${host}` : 'https://registry-1.docker.io'

await using engine = await createEngine({ transport: 'in-process' })
await using registry = await engine.registry({ proxy: upstream })
console.log(`registry: ${registry.address}, a cache of ${upstream}`)

const image = engine.image(`${registry.address}/${isNamed ? path.join('/') : `library/${reference}`}`)
const { digest } = await image.pull()
console.log(`pulled: ${digest}`)

// Docker, skopeo and podman pull from it as well, until the engine is closed.
const { repositories } = (await (await fetch(`http://${registry.address}/v2/_catalog`)).json()) as { repositories: string[] }
console.log(`kept: ${repositories.join(', ')}`)
