// Take an image to a machine without a registry: save it to a file, and load it. Make one of plain files, too.
//
//   node images-as-files.js [image]
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { createEngine } from 'gantry'

const [reference = 'busybox'] = process.argv.slice(2)

await using engine = await createEngine({ transport: 'in-process' })
const folder = await mkdtemp(join(tmpdir(), 'images-as-files-'))
try {
  // docker save: one file that docker, podman and skopeo read as well.
  const file = join(folder, 'image.tar')
  const image = await engine.image(reference).pull()
  await image.save(file)
  console.log(`saved: ${(await stat(file)).size} bytes`)

  // docker load: what any of them wrote, whole or compressed, from a file or a stream.
  await image.remove()
  const [loaded] = await engine.load(file)
  console.log(`loaded: ${loaded?.tags[0]}, the same image: ${loaded?.id === image.id}`)

  // docker export and docker import: the files of a container as an image of one layer.
  const container = await engine.image(reference).cmd('true').create()
  await container.fs.write('/greeting', 'hello from a file')
  const files = new PassThrough()
  const exporting = container.export(files)
  const made = await engine.import(files, 'greeting:1', { changes: ['CMD ["cat", "/greeting"]'] })
  await exporting
  console.log(`it says: ${await made.run({ remove: true }).text()}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
