import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { makeImage } from '../lab/images/image.js'
import { push } from '../lab/images/push.js'

const paddingBytes = 1024

/**
 * Push copies of a one-layer image that unpack to the same files and are, to an engine, all different: zeros behind the archive's end
 * change its digests. So pulls can be repeated without removing anything in between, which would slow down the next one: a filesystem
 * takes longer to make files where many have just been deleted.
 *
 * @returns references, one for each copy
 */
export async function pushVariants(reference: string, count: number): Promise<readonly string[]> {
  const [, address = '', repository = ''] = /^([^/]+)\/([^:]+)/.exec(reference) ?? []
  const base = `http://${address}/v2/${repository}`
  const accept = { accept: 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json' }
  // The lab's own registry: the document is the one that the lab has pushed.
  const manifest = (await (await fetch(`${base}/manifests/latest`, { headers: accept })).json()) as { layers: { digest: string }[] }
  const blob = Buffer.from(await (await fetch(`${base}/blobs/${manifest.layers[0]?.digest}`)).arrayBuffer())
  const archive = createHash('sha256').update(gunzipSync(blob))
  const references: string[] = []
  for (let index = 1; index <= count; index++) {
    const padding = Buffer.alloc(paddingBytes * index)
    const padded = Buffer.concat([blob, gzipSync(padding)])
    const diffId = `sha256:${archive.copy().update(padding).digest('hex')}`
    const digest = `sha256:${createHash('sha256').update(padded).digest('hex')}`
    const name = `${repository}-variant${index}`
    await push(address, name, makeImage([{ blob: padded, digest, diffId }], { settings: { Cmd: ['bash'] } }))
    references.push(`${address}/${name}:latest`)
  }
  return references
}
