import { EngineError } from '../../src/errors/index.js'
import type { ContentStore } from '../content/content-store.js'
import { type Descriptor, type ImageIndex, parseManifest } from '../registry/manifest.js'
import { isManifestType } from '../registry/media-types.js'
import { type Reference, withDigest } from '../registry/reference.js'
import type { RegistryClient, RegistryReadOptions } from '../registry/registry-client.js'
import type { ResolvedImage } from '../registry/resolve-image.js'

/** in-toto statements that a builder attached to an image: BuildKit's docs/attestations/attestation-storage.md. */
export interface Attestation {
  /** Of its manifest, whose layers are the statements. */
  readonly digest: string
  readonly bytes: Uint8Array
  readonly statements: readonly Descriptor[]
}

/** One statement, as it is stored. */
export interface AttestationStatement {
  readonly descriptor: Descriptor
  readonly predicateType: string
  /** The in-toto document; absent where it was not asked for. */
  readonly statement?: Readonly<Record<string, unknown>>
}

const statementType = 'application/vnd.in-toto+json'
const predicateTypeKey = 'in-toto.io/predicate-type'

/** An index's entry for the attestations of one of its manifests. */
export function attestationsOf(index: ImageIndex, manifestDigest: string): readonly Descriptor[] {
  return index.manifests.filter(
    ({ mediaType, annotations = {} }) =>
      isManifestType(mediaType) &&
      annotations['vnd.docker.reference.type'] === 'attestation-manifest' &&
      annotations['vnd.docker.reference.digest'] === manifestDigest
  )
}

/** What is attached to the image that was found. A copy of an image may have been made without: what is not there is left out. */
export async function fetchAttestations(
  reference: Reference,
  resolved: ResolvedImage,
  { access, registry }: { readonly access: RegistryReadOptions; readonly registry: RegistryClient }
): Promise<readonly Attestation[]> {
  const { documents, manifestDigest } = resolved
  const indexes = documents.map(({ bytes }) => parseManifest(bytes, { mediaType: undefined, source: reference.path }))
  const entries = indexes.flatMap(document => (document.kind === 'index' ? attestationsOf(document, manifestDigest) : []))
  const found = await Promise.all(
    entries.map(async ({ digest }) => {
      try {
        const { bytes, document } = await registry.manifest(withDigest(reference, digest), access)
        return document.kind === 'manifest' ? [{ digest, bytes, statements: document.layers.filter(isStatement) }] : []
      } catch (error) {
        if (EngineError.is(error) && error.code === 'not_found') return []
        throw error
      }
    })
  )
  return found.flat()
}

/** Everything in the content store that is kept for attestations. */
export function blobsOfAttestations(attestations: readonly Attestation[]): readonly string[] {
  return attestations.flatMap(({ digest, statements }) => [digest, ...statements.map(statement => statement.digest)])
}

/** @param manifests digests of attestation manifests in the store @param types of predicates; all where there is none */
export async function readAttestations(
  manifests: readonly string[],
  content: ContentStore,
  { types, withStatements }: { readonly types: readonly string[]; readonly withStatements: boolean }
): Promise<readonly AttestationStatement[]> {
  const read: AttestationStatement[] = []
  for (const digest of manifests) {
    for (const descriptor of statementsOf(await content.read(digest), digest)) {
      const predicateType = descriptor.annotations?.[predicateTypeKey] ?? ''
      if (types.length > 0 && !types.includes(predicateType)) continue
      // Verified when it was stored; a statement is one JSON object.
      const statement = withStatements ? JSON.parse(Buffer.from(await content.read(descriptor.digest)).toString('utf8')) : undefined
      read.push({ descriptor, predicateType, ...(withStatements && { statement }) })
    }
  }
  return read
}

/** The statements that an attestation's manifest lists. @throws EngineError `data_loss` where it is no manifest */
export function statementsOf(bytes: Uint8Array, digest: string): readonly Descriptor[] {
  const document = parseManifest(bytes, { mediaType: undefined, source: `attestation ${digest}` })
  return document.kind === 'manifest' ? document.layers.filter(isStatement) : []
}

function isStatement({ mediaType }: Descriptor): boolean {
  return mediaType === statementType
}
