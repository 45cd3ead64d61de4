// A server in a container: a network, a published port, a volume, commands and files in it.
//
//   node server.js [image] [docker host]
import { copy, createEngine } from 'gantry'

const [reference = 'busybox', host] = process.argv.slice(2)

await using engine = await createEngine(host === undefined ? {} : { host })
const image = engine.image(reference)

await using network = await engine.network()
await using server = await image
  .network(network, { alias: 'api' })
  .port(8080)
  .mount('/site', copy({ 'index.html': 'hello' }))
  .cmd('httpd', '-f', '-p', '8080', '-h', '/site')
  .start()

// By name on the network, and on a free port of this machine from outside.
const inside = await image.network(network).run(['wget', '-qO-', 'http://api:8080/'], { remove: true }).text()
console.log(`inside: ${inside}, outside: ${server.url(8080)}`)

// docker exec, docker cp
console.log(`exec: ${(await server.exec(['ls', '/site']).text()).trim()}`)
await server.fs.write('/site/more.html', 'more')
console.log(`files: ${(await server.fs.list('/site')).map(({ name }) => name).join(', ')}`)

// docker top, docker stats
const [first] = await server.top()
const { pids } = await server.stats().now()
console.log(`runs: ${first?.command}; ${pids >= 0 ? 'counted' : 'not counted'}`)

// A volume outlives the containers that it is mounted in.
const volume = await engine.volume()
await image.mount('/data', volume).run(['sh', '-c', 'echo kept > /data/file'], { remove: true })
console.log(`volume: ${(await image.mount('/data', volume).run(['cat', '/data/file'], { remove: true }).text()).trim()}`)
