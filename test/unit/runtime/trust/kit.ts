import type { Digest } from '../../../../runtime/registry/digest.js'
import { parseManifest } from '../../../../runtime/registry/manifest.js'
import { parseReference } from '../../../../runtime/registry/reference.js'
import type { Referrer } from '../../../../runtime/registry/referrers.js'
import { createTrustGate } from '../../../../runtime/trust/trust-gate.js'
import type { TrustPolicy, TrustRules } from '../../../../src/api/index.js'
import { EngineError } from '../../../../src/errors/index.js'
import { type Artifact, artifactOf, digestOf, type LayerOf } from '../../../lab/signing/artifacts.js'

/** What the tests pull: a manifest in a repository of a registry that is a map. */
export const repository = 'registry.example/team/app'
export const image = artifactOf([{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', content: Buffer.from('layer') }])

/** A registry of artifacts by `path:tag` or `path@digest`, and blobs by digest. */
export class MapRegistry {
  readonly manifests = new Map<string, Artifact>()
  readonly blobs = new Map<string, Buffer>()
  readonly asked: string[] = []

  put(tag: string, artifact: Artifact, path = 'team/app'): void {
    this.manifests.set(`${path}:${tag}`, artifact)
    this.manifests.set(`${path}@${artifact.digest}`, artifact)
    for (const blob of artifact.blobs) this.blobs.set(digestOf(blob), blob)
  }

  /** Signatures of an image, as cosign keeps them. */
  putSignatures(layers: readonly LayerOf[], of: { readonly digest: string } = image): void {
    this.put(`${of.digest.replace(':', '-')}.sig`, artifactOf(layers))
  }

  async manifest(reference: { readonly path: string; readonly tag?: string; readonly digest?: Digest }) {
    const name = reference.digest === undefined ? `${reference.path}:${reference.tag}` : `${reference.path}@${reference.digest}`
    this.asked.push(name)
    const found = this.manifests.get(name)
    if (found === undefined) throw new EngineError('not_found', `no ${name}`)
    const bytes = found.manifest
    return { digest: found.digest as Digest, bytes, document: parseManifest(bytes, { mediaType: found.mediaType, source: 'test' }) }
  }

  /** As the client does it with registries that cannot list them. */
  async referrers({ digest }: { readonly digest?: Digest }): Promise<readonly Referrer[]> {
    const index = this.manifests.get(`team/app:${digest?.replace(':', '-')}`)
    return index === undefined ? [] : (JSON.parse(index.manifest.toString()) as { readonly manifests: readonly Referrer[] }).manifests
  }

  hasMirrors(): boolean {
    return false
  }

  async blob(_reference: unknown, { digest }: { readonly digest: string }) {
    const found = this.blobs.get(digest)
    if (found === undefined) throw new EngineError('not_found', `no ${digest}`)
    if (digestOf(found) !== digest) throw new EngineError('data_loss', `${digest} is damaged`)
    return found
  }
}

/** What a pull of the image would come to: undefined where it may come in, else the message. */
export async function verdict(
  registry: MapRegistry,
  given: { readonly rules?: TrustRules; readonly verify?: TrustPolicy; readonly reference?: string; readonly image?: Artifact }
): Promise<string | undefined> {
  const gate = createTrustGate({ registry, ...(given.rules && { rules: given.rules }) })
  const { digest, manifest } = given.image ?? image
  try {
    const check = gate.checkFor(parseReference(given.reference ?? repository), given.verify)
    await check?.({ digest: digest as Digest, bytes: manifest }, { signal: new AbortController().signal })
    return undefined
  } catch (error) {
    if (EngineError.is(error) && error.code === 'untrusted') return error.message
    throw error
  }
}
