import type { Image, ImageIndex } from './image.js'

/** Push an image or an index to a registry that needs no login. Gives the digest of what the name stands for. */
export async function push(address: string, name: string, what: Image | ImageIndex): Promise<string> {
  const [repository = name, tag = 'latest'] = name.split(':')
  const base = `http://${address}/v2/${repository}`
  if ('images' in what) {
    for (const image of what.images) await pushImage(base, image, image.manifest.digest)
    await putManifest(base, tag, what.manifest)
  } else {
    await pushImage(base, what, tag)
  }
  return what.manifest.digest
}

async function pushImage(base: string, image: Image, reference: string): Promise<void> {
  for (const layer of image.layers) await putBlob(base, layer.digest, layer.blob)
  await putBlob(base, image.config.digest, image.config.content)
  await putManifest(base, reference, image.manifest)
}

async function putBlob(base: string, digest: string, content: Uint8Array): Promise<void> {
  const there = await fetch(`${base}/blobs/${digest}`, { method: 'HEAD' })
  if (there.ok) return
  const begun = await expectOk(await fetch(`${base}/blobs/uploads/`, { method: 'POST' }), `begin the upload of ${digest}`)
  const location = new URL(begun.headers.get('location') ?? '', base)
  location.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  await expectOk(await fetch(location, { method: 'PUT', headers, body: Buffer.from(content) }), `upload ${digest}`)
}

async function putManifest(base: string, reference: string, manifest: Image['manifest']): Promise<void> {
  const headers = { 'content-type': manifest.mediaType }
  const body = Buffer.from(manifest.content)
  await expectOk(await fetch(`${base}/manifests/${reference}`, { method: 'PUT', headers, body }), `put the manifest ${reference}`)
}

async function expectOk(response: Response, what: string): Promise<Response> {
  const text = await response.text()
  if (!response.ok) throw new Error(`The registry would not ${what}: ${response.status} ${text}`)
  return response
}
