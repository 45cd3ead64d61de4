import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** Content addressed by its digest, as a registry holds it. */
export interface SampleBlob {
  readonly digest: string
  readonly bytes: Buffer
}

export interface SampleLayer extends SampleBlob {
  readonly diffId: string
}

export interface SampleImage {
  readonly manifest: SampleBlob
  readonly config: SampleBlob
  readonly layers: readonly SampleLayer[]
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
export const indexType = 'application/vnd.oci.image.index.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

export function blobOf(content: string | Uint8Array | object): SampleBlob {
  const bytes =
    typeof content === 'string'
      ? Buffer.from(content)
      : content instanceof Uint8Array
        ? Buffer.from(content)
        : Buffer.from(JSON.stringify(content))
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes }
}

/** A layer whose archive is whatever text is given: enough where nothing reads tar. */
export function layerOf(archive: string | Uint8Array): SampleLayer {
  return { ...blobOf(gzipSync(archive)), diffId: blobOf(archive).digest }
}

export interface SampleOptions {
  readonly layers?: readonly SampleLayer[]
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly config?: object
  readonly mediaType?: string
}

/** A whole image in memory. */
export function imageOf(options: SampleOptions = {}): SampleImage {
  const layers = options.layers ?? [layerOf('layer one'), layerOf('layer two')]
  const config = blobOf({
    created: '2026-01-02T03:04:05Z',
    ...(options.platform ?? { os: 'linux', architecture: 'amd64' }),
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'], ...options.config },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_, position) => ({ created_by: `step ${position}` }))
  })
  const manifest = blobOf({
    schemaVersion: 2,
    mediaType: options.mediaType ?? manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.bytes.length },
    layers: layers.map(({ digest, bytes }) => ({ mediaType: layerType, digest, size: bytes.length }))
  })
  return { manifest, config, layers }
}

/** An index of images, each with its platform. */
export function indexOf(
  entries: readonly { readonly manifest: SampleBlob; readonly platform?: object; readonly mediaType?: string }[]
): SampleBlob {
  return blobOf({
    schemaVersion: 2,
    mediaType: indexType,
    manifests: entries.map(({ manifest, platform, mediaType }) => ({
      mediaType: mediaType ?? manifestType,
      digest: manifest.digest,
      size: manifest.bytes.length,
      ...(platform === undefined ? {} : { platform })
    }))
  })
}
