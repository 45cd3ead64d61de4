import { digestOf } from '../../lab/images/layer.js'

/** What a registry has of a repository. */
export interface RepositoryView {
  /** Digest of what each tag names. */
  readonly tags: Readonly<Record<string, string>>
  /** What the tags name, directly or not, and is not there, or not as its digest says. */
  readonly broken: readonly string[]
}

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string }[]
}

const accept = ['application/vnd.docker.distribution.manifest.v2+json', 'application/vnd.oci.image.manifest.v1+json'].join(', ')

/** Ask a registry that needs no login for a repository of images without indexes. */
export async function viewRepository(address: string, repository: string): Promise<RepositoryView> {
  const base = `http://${address}/v2/${repository}`
  const listed = await fetch(`${base}/tags/list`)
  const { tags: names } = (listed.status === 404 ? {} : await listed.json()) as { readonly tags?: readonly string[] | null } // as distribution answers
  const tags: Record<string, string> = {}
  const broken: string[] = []
  for (const name of names ?? []) {
    const found = await fetch(`${base}/manifests/${name}`, { headers: { accept } })
    const bytes = Buffer.from(await found.arrayBuffer())
    if (!found.ok) {
      broken.push(`manifest of ${name}: ${found.status}`)
      continue
    }
    tags[name] = digestOf(bytes)
    const { config, layers }: Manifest = JSON.parse(bytes.toString())
    for (const { digest } of [config, ...layers]) {
      const blob = await fetch(`${base}/blobs/${digest}`)
      const actual = digestOf(Buffer.from(await blob.arrayBuffer()))
      if (actual !== digest) broken.push(`blob ${digest} of ${name}: ${blob.ok ? actual : blob.status}`)
    }
  }
  return { tags, broken }
}
