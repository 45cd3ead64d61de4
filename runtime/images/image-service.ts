import type { SignatureFormat, SignatureStorage, TrustPolicy } from '../../src/api/index.js'
import type { RegistryAuth } from '../registry/registry-auth.js'
import type { AttestationStatement } from './attestations.js'
import type { ImageManifests } from './manifest-facts.js'
import type { PushOptions, PushResult } from './push-options.js'

export type { RegistryAuth }

/** Images as the rest of the runtime sees them. */
export interface ImageService {
  /**
   * Fetch an image and unpack it. When it rejects, nothing of it is left behind.
   *
   * @throws EngineError `not_found`, `unauthenticated`, `unavailable`, `resource_exhausted` (429), `data_loss`, `invalid_argument`,
   *   `permission_denied`, `not_supported`, `deadline_exceeded` (the registry stalls), `untrusted`; the signal's reason on abort
   */
  pull(reference: string, options: PullOptions): Promise<PullResult>
  /**
   * Send an image to the registry that its name says, under that name; blobs that are there are not sent. The digest that it has there is kept.
   *
   * @throws EngineError `not_found` (no such name, or not for the platform), `invalid_argument`, `unauthenticated`, `permission_denied`,
   *   `unavailable`, `deadline_exceeded`, `resource_exhausted`, `not_supported`, `data_loss`; the signal's reason on abort
   */
  push(reference: string, options: PushOptions): Promise<PushResult>
  /** By reference in any spelling, by `sha256:` id, or by an unambiguous prefix of one. @throws `not_found`, `invalid_argument` (ambiguous) */
  get(nameOrId: string): Promise<ImageRecord>
  list(): Promise<readonly ImageRecord[]>
  /**
   * Docker's rules: a reference is untagged, the image goes with the last one, and with it parents that have no name and no other use.
   *
   * @throws EngineError `not_found`, `conflict` (a container uses it, another image was made of it, it has several names)
   */
  remove(nameOrId: string, options: RemoveImageOptions): Promise<readonly RemovedPart[]>
  /** The manifests of what an image's name stands for, as far as they are known here. @throws EngineError `not_found`, `data_loss` */
  manifests(nameOrId: string): Promise<ImageManifests>
  tag(source: string, target: string): Promise<void>
  /**
   * in-toto statements that came with an image: provenance, bills of materials.
   *
   * @param options.types of predicates; all where there is none
   * @throws EngineError `not_found`
   */
  attestations(
    nameOrId: string,
    options: { readonly types: readonly string[]; readonly withStatements: boolean }
  ): Promise<readonly AttestationStatement[]>
  /**
   * Check the signatures of an image that is here, as a pull of it would: those that its registry has now.
   *
   * @throws EngineError `untrusted`, `not_found`, `invalid_argument` (no name of a repository); as {@link ImageService.pull}
   */
  verify(name: string, options: VerifyOptions): Promise<VerifyResult>
  /** The digest that a name stands for in its registry: that is what is signed. @throws EngineError as {@link ImageService.pull} */
  signingSubject(name: string, options: SignOptions): Promise<string>
  /**
   * Write a signature to an image's registry: one that was made where the key is.
   *
   * @throws EngineError `invalid_argument` for one that does not hold; `conflict`, `resource_exhausted`; as {@link ImageService.push}
   */
  sign(name: string, signature: ImageSignature, options: SignOptions): Promise<SignResult>
  /**
   * Make an image of another one and a layer on top of it. When it rejects nothing is left behind.
   *
   * @throws EngineError `not_found`, `invalid_argument` (the name), `resource_exhausted`; what `layer` throws; the signal's reason on abort
   */
  commit(options: CommitOptions): Promise<ImageRecord>
  /**
   * Take in the images of an archive: Docker's, or an OCI layout, whole or compressed, its entries in any order. All of them or none; when
   * it rejects nothing is left behind.
   *
   * @param archive read once, from front to back
   * @throws EngineError `data_loss` (damaged or hostile), `invalid_argument` (no archive of images; a bad name), `not_found` (the platform),
   *   `not_supported`, `resource_exhausted`; the signal's reason on abort
   */
  load(archive: AsyncIterable<Uint8Array>, options: LoadOptions): Promise<readonly LoadedImage[]>
  /**
   * Images as one archive, an OCI layout and Docker's at once, blobs byte for byte. What is removed meanwhile stays until the archive is read.
   *
   * @throws EngineError `not_found`, `invalid_argument`
   */
  save(namesOrIds: readonly string[], options: SaveOptions): Promise<AsyncIterable<Uint8Array>>
  /**
   * Make an image of a root file system's archive. When it rejects nothing is left behind.
   *
   * @throws EngineError as `load` does
   */
  import(archive: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<ImageRecord>
}

export interface LoadOptions {
  /** Of which platform, where the archive has several. @default the host's, where it is there */
  readonly platform?: string
  readonly signal: AbortSignal
  /** Told while a layer arrives; `id` is twelve digits of the name it has in the archive. */
  readonly onProgress?: (progress: LoadProgress) => void
}

export interface LoadProgress {
  readonly id: string
  readonly currentBytes: number
  readonly totalBytes: number
}

export interface LoadedImage {
  readonly image: ImageRecord
  /** What the archive calls it; `before` is the image that had this name until now. */
  readonly names: readonly { readonly name: string; readonly before?: string }[]
}

export interface SaveOptions {
  /** Only this platform's image. */
  readonly platform?: string
  readonly signal: AbortSignal
}

export interface ImportOptions {
  readonly config: ImageConfig
  /** Of the commit. */
  readonly message: string
  /** RFC 3339. */
  readonly created: string
  /** @default the host's */
  readonly platform?: string
  /** What the image is to be called. */
  readonly name?: string
  readonly signal: AbortSignal
  /** Bytes of the archive that were read. */
  readonly onProgress?: (currentBytes: number) => void
}

export interface CommitOptions {
  readonly baseId: string
  /** A layer archive; absent where nothing changed. */
  readonly layer?: AsyncIterable<Uint8Array>
  /** Called once the layer has been read. */
  readonly onPacked?: () => void
  readonly config: ImageConfig
  readonly author?: string
  readonly comment?: string
  /** The command that made the layer, for the history. */
  readonly createdBy: string
  /** RFC 3339. */
  readonly created: string
  /** What the image is to be called. */
  readonly name?: string
  readonly signal: AbortSignal
}

export interface PullOptions {
  /** `linux/amd64`, `linux/arm64/v8`. @default the host's */
  readonly platform?: string
  /** @default what the registry's settings say */
  readonly auth?: RegistryAuth | 'anonymous'
  /** Whose signature it has to have, besides what the engine's rules say. */
  readonly verify?: TrustPolicy
  readonly signal: AbortSignal
  readonly onProgress?: (progress: PullProgress) => void
}

export type VerifyOptions = Pick<PullOptions, 'auth' | 'verify' | 'signal'>

export interface VerifyResult {
  /** Of what the name stands for: a manifest or an index. */
  readonly digest: string
  /** False where nothing is asked of it. */
  readonly checked: boolean
}

export type SignOptions = Pick<PullOptions, 'auth' | 'signal'>

/** A signature that was made where the key is. */
export interface ImageSignature {
  /** Of the manifest or index that was signed. */
  readonly digest: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly publicKeyPem: string
  readonly format: SignatureFormat
  readonly storage: readonly SignatureStorage[]
}

export interface SignResult {
  readonly digest: string
  readonly signatures: readonly { readonly storage: SignatureStorage; readonly reference: string; readonly added: boolean }[]
}

export interface PullProgress {
  /** Digest of the compressed layer. */
  readonly layer: string
  readonly phase: 'present' | 'waiting' | 'downloading' | 'downloaded' | 'unpacking' | 'done'
  readonly currentBytes: number
  readonly totalBytes: number
}

export interface PullResult {
  readonly image: ImageRecord
  /** Digest of what the reference named: a manifest or an index. */
  readonly digest: string
  /** False when everything was there already. */
  readonly changed: boolean
}

export interface RemoveImageOptions {
  readonly force: boolean
  /** Parents that have no name stay: `noprune`. @default false */
  readonly keepParents?: boolean
  /** Ids of images that containers use, from the caller: images know nothing of containers. */
  readonly usedBy: ReadonlyMap<string, { readonly containerId: string; readonly running: boolean }>
}

/** What went, in the order in which Docker tells it: names, then each image with the layers that nobody else needs, topmost first. */
export type RemovedPart = { readonly untagged: string } | { readonly deleted: string } | { readonly deletedLayer: string }

export interface ImageRecord {
  /** Digest of the image configuration: Docker's image id. */
  readonly id: string
  readonly manifestDigest: string
  /** The image of the container that it was committed from. */
  readonly parentId?: string
  /** When it was last given a name here; pulls and loads do not count, as in Docker. RFC 3339. */
  readonly lastTaggedAt?: string
  /** Familiar references: `busybox:latest`, `127.0.0.1:5000/a:1`. */
  readonly tags: readonly string[]
  /** `busybox@sha256:...` */
  readonly repoDigests: readonly string[]
  readonly diffIds: readonly string[]
  /** Chain ID of the topmost layer; undefined for an image without layers. */
  readonly chainId?: string
  readonly sizeBytes: number
  readonly createdAt: string
  readonly architecture: string
  readonly variant?: string
  readonly os: string
  readonly author?: string
  /** Docker's extensions of the OCI image configuration: the message of the commit, and which Docker made it. */
  readonly comment?: string
  readonly dockerVersion?: string
  readonly config: ImageConfig
  readonly history: readonly ImageHistory[]
}

/** `config` of the OCI image configuration, Docker's extensions included. */
export interface ImageConfig {
  readonly User?: string
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Volumes?: Readonly<Record<string, object>>
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly StopTimeout?: number
  readonly Shell?: readonly string[]
  readonly Healthcheck?: {
    readonly Test?: readonly string[]
    readonly Interval?: number
    readonly Timeout?: number
    readonly StartPeriod?: number
    readonly StartInterval?: number
    readonly Retries?: number
  }
  readonly OnBuild?: readonly string[]
}

export interface ImageHistory {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}
