import { randomBytes } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import type { Engine } from 'gantry'
import { ImageLoad } from 'gantry/api'
import { extract, pack } from 'tar-stream'
import { type Format, type Image, type ImageSettings, makeImage } from '../../lab/images/image.js'
import { type LayerEntry, makeLayer } from '../../lab/images/layer.js'

/** An entry of an archive: a file with its content, or a symbolic link with its target. */
export type ArchiveEntry = readonly [path: string, content: string | Uint8Array | { readonly link: string }]

/** A tar archive with these entries in this order. */
export async function tarOf(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of entries) {
    if (typeof content === 'string' || content instanceof Uint8Array) archive.entry({ name }, Buffer.from(content))
    else archive.entry({ name, type: 'symlink', linkname: content.link })
  }
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive) chunks.push(chunk as Uint8Array) // tar-stream gives buffers
  return Buffer.concat(chunks)
}

/** The files of a tar archive, by path. */
export async function entriesOf(archive: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const reader = extract()
  reader.on('entry', (header, content, next) => {
    const chunks: Uint8Array[] = []
    content.on('data', chunk => chunks.push(chunk as Uint8Array)) // tar-stream gives buffers
    content.on('end', () => {
      if (header.type === 'file') files.set(header.name, Buffer.concat(chunks))
      next()
    })
  })
  await pipeline(archive, reader)
  return files
}

/** A small image that nobody has seen; every layer is different, too. */
export async function newImage(
  options: {
    readonly layers?: readonly (readonly LayerEntry[])[]
    readonly settings?: ImageSettings
    readonly architecture?: string
    readonly format?: Format
  } = {}
): Promise<Image> {
  const mark = randomBytes(8).toString('hex')
  const { layers = [[]], settings = {}, ...rest } = options
  const made = layers.map((entries, index) => makeLayer([{ kind: 'file', path: `mark-${index}`, content: mark }, ...entries]))
  return makeImage(await Promise.all(made), { settings: { ...settings, Labels: { mark } }, ...rest })
}

/** What `docker save` of 20.10 writes of an image. */
export function dockerArchive({ config, layers }: Image, tags: readonly string[]): readonly ArchiveEntry[] {
  const hex = (digest: string) => digest.replace('sha256:', '')
  const names = layers.map(({ diffId }) => `${hex(diffId)}/layer.tar`)
  const item = { Config: `${hex(config.digest)}.json`, RepoTags: tags.length > 0 ? tags : null, Layers: names }
  return [
    [item.Config, config.content],
    ...layers.map(({ blob }, index): ArchiveEntry => [names[index] ?? '', gunzipSync(blob)]),
    ['manifest.json', JSON.stringify([item])]
  ]
}

/** What skopeo and buildx write of images: an OCI layout. */
export function ociArchive(images: readonly { readonly image: Image; readonly name?: string }[]): readonly ArchiveEntry[] {
  const path = (digest: string) => `blobs/${digest.replace(':', '/')}`
  const manifests = images.map(({ image: { manifest }, name }) => ({
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.content.length,
    ...(name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': name } })
  }))
  const blobs = images.flatMap(({ image }) => [image.manifest, image.config].map(({ digest, content }) => [path(digest), content] as const))
  const layers = images.flatMap(({ image }) => image.layers.map(({ digest, blob }) => [path(digest), blob] as const))
  return [
    ['oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })],
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests })],
    ...new Map([...blobs, ...layers])
  ]
}

/** Load an archive; gives what was told, a line each. */
export async function load(engine: Engine, archive: Uint8Array, options: { readonly quiet?: boolean } = {}): Promise<readonly string[]> {
  const told: string[] = []
  const body = (async function* () {
    for (let at = 0; at < archive.length; at += 65_536) yield archive.subarray(at, at + 65_536)
  })()
  for await (const { stream } of await engine.raw.call(ImageLoad, { body, query: { quiet: options.quiet ?? true } })) {
    if (stream !== undefined) told.push(stream.trimEnd())
  }
  return told
}
