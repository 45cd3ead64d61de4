import type { SignatureFormat, SignatureStorage, TrustPolicy } from '../../api/index.js'
import type { PullPolicy } from '../processes/process.js'
import type { Abortable, Auth, Digest, Duration, Platform, PortSpec, Size } from '../values.js'

/** How to create a container. */
export interface CreateOptions extends Abortable {
  name?: string
  /** Give it a terminal. @default false */
  tty?: boolean
  /** Let it outlive this engine. @default false */
  keep?: boolean
  /** @default 'missing' */
  pull?: PullPolicy
}

/** How to pull an image. */
export interface PullOptions extends Abortable {
  /** @default 'always' */
  policy?: PullPolicy
  /** @default what the engine was given for the registry, else anonymous */
  auth?: Auth
  /**
   * Whose signature the image has to have, whether it is here already or not; besides what the engine's own rules say. Engines other than
   * Gantry's cannot check: they refuse it with `not_supported`.
   *
   * @default 'reject-unsigned' where `DOCKER_CONTENT_TRUST` is set, else nothing
   */
  verify?: TrustPolicy
}

/** By whom to have an image signed, and where to keep the signature. */
export interface SignOptions extends Abortable {
  /**
   * PEM text of a private key: ECDSA (P-256, P-384, P-521), Ed25519, RSA from 2048 bits; as PKCS #8, SEC 1 or PKCS #1, encrypted or not, or as
   * `cosign generate-key-pair` writes it. It stays in this process.
   */
  keyPem: string
  /** Of a key that is encrypted. */
  passphrase?: string
  /**
   * `simple-signing`: cosign's own form, which names the repository, too. `bundle`: a sigstore bundle, cosign's form since version 3.
   *
   * @default 'simple-signing'
   */
  format?: SignatureFormat
  /**
   * `tag`: under cosign's tag for the digest, which cosign, skopeo and podman read. `referrers`: as a referrer of the image (OCI 1.1; noted under a
   * tag where the registry keeps no lists).
   *
   * @default 'tag', of a bundle 'referrers', which is the only place for one
   */
  storage?: SignatureStorage | 'both'
  /** What else is signed: `cosign sign -a key=value`. */
  annotations?: Record<string, string>
  /** @default what the engine was given for the registry, else what the docker command's logins say */
  auth?: Auth
}

/** What was signed, and where the signatures are. */
export interface SignedImage {
  /** Of the manifest or index in the registry. */
  readonly digest: Digest
  /** What `verify: { keyPem }` takes. */
  readonly publicKeyPem: string
  readonly signatures: readonly {
    readonly storage: SignatureStorage
    /** `host/name:sha256-<hex>.sig`, or `host/name@sha256:<hex>`. */
    readonly reference: string
    /** False where the same key had signed the same there before; then nothing was written. */
    readonly added: boolean
  }[]
}

/** How to push an image. */
export interface PushOptions extends Abortable {
  /** The name to push it under; the image gets it here as well, as with `tag`. @default the one that the spec or the handle was made with */
  to?: string
  /** Only this platform's image; engines before API 1.46 refuse it. @default everything that is here */
  platform?: Platform
  /** @default what the engine was given for the registry, else `docker-config` */
  auth?: Auth
}

/** What a push has brought to a registry. */
export interface PushResult {
  /** The name and tag it was pushed under. */
  readonly reference: string
  /** Digest of what the tag names in the registry now: a manifest or an index. */
  readonly digest: Digest
  /** Length of that document. */
  readonly sizeBytes: number
}

/** How to save an image. */
export interface SaveOptions extends Abortable {
  /**
   * `docker`: what `docker load` reads. `oci`: an OCI layout; Docker from 25 on, and Gantry, write one archive that is both.
   *
   * @default 'docker'
   */
  format?: 'docker' | 'oci'
}

/** What to make of an archive of files. */
export interface ImportOptions extends Abortable {
  /** For the history. @default 'Imported from -' */
  message?: string
  /** Dockerfile instructions such as `CMD ["server"]`. */
  changes?: string[]
  /** What the files are for. @default the engine's; engines before API 1.43 take no other */
  platform?: string
}

/** Bounds on what a container may use. */
export interface Limits {
  /** `docker run --memory` */
  memory?: Size
  /** `docker run --cpus`; fractions are fine. */
  cpus?: number
  /** `docker run --pids-limit` */
  pids?: number
}

/** How far a container is held apart from the host. */
export interface Security {
  privileged?: boolean
  /** Mount the root file system read-only. */
  readOnly?: boolean
  capAdd?: string[]
  capDrop?: string[]
  /** `unconfined`, or the text of a JSON profile. */
  seccomp?: 'unconfined' | (string & {})
  noNewPrivileges?: boolean
}

/** A container's place in a network. */
export interface NetworkPlace {
  /** Further names it is found by. */
  alias?: string | string[]
  ipv4?: string
  ipv6?: string
}

/** When and how often to check that a container works. */
export interface HealthOptions {
  /** Between two checks. @default '30s' */
  interval?: Duration
  /** After which a check has failed. @default '30s' */
  timeout?: Duration
  /** Failures in a row that make it unhealthy. @default 3 */
  retries?: number
  /** From the start, while failures do not count. @default 0 */
  startPeriod?: Duration
}

/** When an engine starts a container again by itself. */
export type RestartPolicy = 'no' | 'always' | 'unless-stopped' | 'on-failure'

/** Parts of the Engine API's container-create body, in its own spelling. */
export interface RawCreate {
  Config?: object
  HostConfig?: object
  NetworkingConfig?: object
}

/** A step in the making of an image. */
export interface ImageStep {
  readonly createdBy: string
  readonly sizeBytes: number
  readonly created: Date
}

/** What an image says of itself. */
export interface ImageDetails {
  readonly config: { readonly env: Record<string, string>; readonly cmd: readonly string[]; readonly ports: readonly PortSpec[] }
  /** Digests of the uncompressed layers, lowest first. */
  readonly layers: readonly Digest[]
  readonly created: Date
}
