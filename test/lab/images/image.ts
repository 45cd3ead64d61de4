import { digestOf, type Layer } from './layer.js'

/** The runtime part of an image configuration, in Docker's spelling. */
export interface ImageSettings {
  readonly Cmd?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Env?: readonly string[]
  readonly WorkingDir?: string
  readonly User?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly StopSignal?: string
  readonly Volumes?: Readonly<Record<string, object>>
}

/** Which of the two families of media types a manifest uses. */
export type Format = 'docker' | 'oci'

/** A document or blob of an image, ready to push. */
export interface Blob {
  readonly digest: string
  readonly content: Uint8Array
}

/** An image for one platform. */
export interface Image {
  readonly architecture: string
  readonly config: Blob
  readonly layers: readonly Layer[]
  readonly manifest: Blob & { readonly mediaType: string }
}

/** Several images under one name. */
export interface ImageIndex {
  readonly images: readonly Image[]
  readonly manifest: Blob & { readonly mediaType: string }
}

const mediaTypes = {
  docker: {
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json'
  },
  oci: {
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json'
  }
} as const

/** Go's name of this machine's architecture, as image configurations spell it. */
export const hostArchitecture = process.arch === 'x64' ? 'amd64' : process.arch

const created = '2024-01-01T00:00:00Z'

/** What {@link makeImage} is told beside the layers. */
export interface MakeImageOptions {
  readonly settings?: ImageSettings
  /** @default this machine's */
  readonly architecture?: string
  /** @default 'docker' */
  readonly format?: Format
}

/** Put layers together to an image. The same input gives the same digests. */
export function makeImage(layers: readonly Layer[], options: MakeImageOptions = {}): Image {
  const { settings = {}, architecture = hostArchitecture, format = 'docker' } = options
  const types = mediaTypes[format]
  const config = blob({
    architecture,
    os: 'linux',
    created,
    config: settings,
    rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
    history: layers.map((_, index) => ({ created, created_by: `layer ${index}` }))
  })
  const manifest = blob({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: config.digest, size: config.content.length },
    layers: layers.map(layer => ({ mediaType: types.layer, digest: layer.digest, size: layer.blob.length }))
  })
  return { architecture, config, layers, manifest: { ...manifest, mediaType: types.manifest } }
}

/** Put images for several platforms under one name. */
export function makeIndex(images: readonly Image[], format: Format = 'oci'): ImageIndex {
  const mediaType = mediaTypes[format].index
  const manifest = blob({
    schemaVersion: 2,
    mediaType,
    manifests: images.map(image => ({
      mediaType: image.manifest.mediaType,
      digest: image.manifest.digest,
      size: image.manifest.content.length,
      platform: { os: 'linux', architecture: image.architecture }
    }))
  })
  return { images, manifest: { ...manifest, mediaType } }
}

function blob(value: object): Blob {
  const content = Buffer.from(JSON.stringify(value))
  return { digest: digestOf(content), content }
}
