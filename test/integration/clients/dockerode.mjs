// What dockerode's users do, printed: the same on every engine. Arguments: the engine's address, an image.
import Docker from 'dockerode'

const [address = '', image = ''] = process.argv.slice(2)
const docker = new Docker({ socketPath: address.replace('unix://', '') })
const textOf = async stream => {
  const pieces = []
  for await (const piece of stream) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}
const collect = (modem, stream) => {
  const said = { stdout: '', stderr: '' }
  const sink = name => ({
    write(piece) {
      said[name] += piece
    }
  })
  modem.demuxStream(stream, sink('stdout'), sink('stderr'))
  return said
}
const ended = stream => new Promise(resolve => stream.on('end', resolve))

const progress = await docker.pull(image)
await new Promise((resolve, reject) => docker.modem.followProgress(progress, error => (error ? reject(error) : resolve())))

const container = await docker.createContainer({ Image: image, Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true })
const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
const said = collect(container.modem, stream)
const over = ended(stream)
await container.start()
stream.write('through\n')

const command = await container.exec({ Cmd: ['sh', '-c', 'echo inside; echo beside >&2; exit 4'], AttachStdout: true, AttachStderr: true })
const output = await command.start({})
const words = collect(container.modem, output)
await ended(output)
console.log(words, (await command.inspect()).ExitCode)

const archive = await textOf(await container.getArchive({ path: '/etc/passwd' }))
console.log(archive.subarray(0, 6).toString(), archive.includes('root:x:0:0'))
await container.putArchive(archive, { path: '/tmp' })
const found = await container.exec({ Cmd: ['head', '-c', '4', '/tmp/passwd'], AttachStdout: true })
const head = await found.start({})
const first = collect(container.modem, head)
await ended(head)
console.log(first)

const waiting = container.wait()
stream.end()
console.log((await waiting).StatusCode)
await over
console.log(said)
await container.remove()
await container.inspect().catch(({ statusCode, reason }) => console.log(statusCode, reason))
const [result] = await docker.run(image, ['sh', '-c', 'exit 7'], process.stdout, { HostConfig: { AutoRemove: true } })
console.log(result.StatusCode)
const network = await docker.createNetwork({ Name: 'node-network' })
console.log((await network.inspect()).Driver)
await network.remove()
