import { type Artifact, digestOf } from './artifacts.js'

/** Put a manifest and its blobs into a registry that needs no login, by plain HTTP. */
export async function putArtifact(address: string, repository: string, reference: string, artifact: Artifact): Promise<void> {
  const base = `http://${address}/v2/${repository}`
  for (const blob of artifact.blobs) {
    const begun = await expectOk(await fetch(`${base}/blobs/uploads/`, { method: 'POST' }))
    const location = new URL(begun.headers.get('location') ?? '', base)
    location.searchParams.set('digest', digestOf(blob))
    await expectOk(
      await fetch(location, { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: new Uint8Array(blob) })
    )
  }
  const headers = { 'content-type': artifact.mediaType }
  await expectOk(await fetch(`${base}/manifests/${reference}`, { method: 'PUT', headers, body: new Uint8Array(artifact.manifest) }))
}

async function expectOk(response: Response): Promise<Response> {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`)
  return response
}
