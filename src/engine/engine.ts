import type { Readable } from 'node:stream'
import type { EventEmitter } from 'eventemitter3'
import type { TrustRules } from '../api/index.js'
import type { InputOf, Operation, OutputOf } from '../api/operation.js'
import type { ListenOptions, TransportKind } from '../transport/transport.js'
import type { EngineEvent, EngineEvents } from './events/engine-event.js'
import type { Task } from './events/task.js'
import type { Container, Image, ImageSpec } from './handles.js'
import type { ImportOptions } from './images/image.js'
import type { Network, NetworkOptions } from './networks/network.js'
import type { RegistryServer, RegistryServerOptions } from './registries/registry-server.js'
import type { Abortable, Auth } from './values.js'
import type { Volume, VolumeOptions } from './volumes/volume.js'

/** Which engine, and how to reach it. */
export interface EngineOptions {
  /** `in-process`: this host. `http`: an engine behind a socket. @default 'auto' */
  transport?: 'auto' | 'in-process' | 'http'
  /** `unix://`, `npipe://`, `tcp://` or `ssh://`, as `DOCKER_HOST`. */
  host?: string
  /** A docker context by name. */
  context?: string
  /** TLS files for `tcp://`; paths, or PEM texts. */
  tls?: { ca?: string; cert?: string; key?: string; verify?: boolean }
  /** Data root of the in-process runtime. @default `/var/lib/gantry` */
  root?: string
  /** OCI runtime of the in-process runtime: a name or a path. @default crun where it works, else runc */
  runtime?: 'crun' | 'runc' | (string & {})
  /** Settings by registry host. Engines behind a socket have their own settings and take `auth` only. */
  registries?: Record<string, RegistryOptions>
  /**
   * Whose images may come in, by repository; the most specific pattern counts. What no pattern is for is accepted. An engine behind a socket
   * has its own rules.
   *
   * @example { '*': 'reject', 'localhost:5000': 'accept', 'ghcr.io/owner/*': { keyPem } }
   */
  trust?: TrustRules
  /** Ends the search for an engine. */
  signal?: AbortSignal
}

/** Settings of one registry. */
export interface RegistryOptions {
  /** Tried in order, before the registry itself. */
  mirrors?: string[]
  /** Plain HTTP, or TLS without a check. @default false, but true for loopback addresses */
  insecure?: boolean
  /** Credentials for it, also where it is a mirror. @default what the docker CLI would show */
  auth?: Auth
  /** PEM text of its certificate authority. */
  ca?: string
  /** PEM text of the certificate that this client shows, with `key`. */
  cert?: string
  /** PEM text of the key of `cert`. */
  key?: string
}

/** What this engine can do through this API. */
export interface Capabilities {
  readonly fork: 'memory' | 'disk' | false
  readonly build: 'native' | 'buildkit' | 'classic' | false
  readonly swarm: boolean
  readonly rootless: boolean
  /** Whether memory, cpu and process limits are enforced. */
  readonly limits: boolean
  /** Network drivers. */
  readonly networks: readonly string[]
  readonly ipv6: boolean
  /** Whether signatures of images can be checked and made. */
  readonly trust: boolean
}

/** An engine that was considered, and what became of it. */
export interface Candidate {
  readonly name: string
  readonly endpoint?: string
  readonly chosen: boolean
  readonly reason: string
  /** What to do to make it usable. */
  readonly fix?: string
}

/** Where an engine serves others. */
export interface Listener extends AsyncDisposable {
  /** With the port that was chosen for port 0. */
  readonly address: string
  /** Accept nothing more, let requests finish, end streams. Idempotent. */
  close(): Promise<void>
}

/** What an engine says of itself. */
export interface EngineInfo {
  readonly version: string
  readonly apiVersion: string
  readonly os: string
  readonly arch: string
  readonly cpus: number
  readonly memoryBytes: number
}

/** What to clear away. */
export interface PruneOptions extends Abortable {
  /** Volumes that no container uses as well. Engines from API 1.42 on leave named ones alone, unless `all`. @default false */
  volumes?: boolean
  /** All images that no container uses, not only those without a name. @default false */
  all?: boolean
  /** Only what was made before. Volumes have no such filter. */
  until?: Date
}

/** Which images to list. */
export interface ImageFilter {
  /** A name, `*` matches within a part. */
  reference?: string
  /** Only images without a name (true) or with one (false). */
  dangling?: boolean
  label?: Record<string, string>
}

/** Which containers to list. */
export interface ContainerFilter {
  /** Also those that do not run. @default false, but true with `status` */
  all?: boolean
  label?: Record<string, string>
  status?: string
  /** Part of the name. */
  name?: string
}

/** Which events to hear. */
export interface EventFilter extends Abortable {
  since?: Date
  /** Ends the iteration. */
  until?: Date
  types?: readonly EngineEvent['type'][]
  /** Only of objects with these labels. */
  label?: Record<string, string>
}

/**
 * An engine: this host, or one behind a socket.
 *
 * As an emitter it announces events by name, from the moment of `on`. The stream behind that is open while there are listeners, and does
 * not hold the event loop.
 */
export interface Engine extends EventEmitter<EngineEvents>, AsyncDisposable {
  readonly transport: TransportKind
  readonly can: Capabilities
  /** The escape hatch: any operation of `gantry/api`, input checked, output as the Engine API gives it. */
  readonly raw: { call<Op extends Operation>(operation: Op, input: InputOf<Op>, options?: Abortable): Promise<OutputOf<Op>> }
  /** Every engine that was considered, in order, and why it was chosen or not. */
  explain(): readonly Candidate[]
  info(options?: Abortable): Promise<EngineInfo>
  image(reference: string): ImageSpec
  /** This machine's root file system, copy-on-write. @throws EngineError `not_supported` unless in-process */
  hostImage(): ImageSpec
  images(filter?: ImageFilter): AsyncIterable<Image>
  /**
   * `docker load`: the images of an archive, a file or a stream. What docker, podman, skopeo and buildx write is taken, compressed or not.
   *
   * @throws EngineError `data_loss` for a damaged archive, `invalid_argument` for what is none; engines behind a socket say `failed`
   */
  load(archive: string | Readable, options?: Abortable): Task<Image[]>
  /**
   * `docker import`: an image of a root file system's archive, such as `container.export` writes.
   *
   * @throws EngineError as `load` does
   */
  import(archive: string | Readable, reference?: string, options?: ImportOptions): Promise<Image>
  container(idOrName: string): Promise<Container>
  containers(filter?: ContainerFilter): AsyncIterable<Container>
  /**
   * `docker network create`. It goes with this engine, unless `keep`.
   *
   * @param name - made up where there is none
   * @throws EngineError `conflict` or `already_exists` where there is one of that name
   */
  network(name?: string, options?: NetworkOptions): Promise<Network>
  /**
   * `docker volume create`. It goes with this engine, unless `keep`; one of that name that was there before is given as it is, and stays.
   *
   * @param name - made up where there is none
   */
  volume(name?: string, options?: VolumeOptions): Promise<Volume>
  /**
   * Serve a registry that docker, skopeo, podman and Gantry push to and pull from, or a cache of another one. It ends with this engine; what it
   * keeps stays where it is.
   *
   * @throws EngineError `conflict` where somebody listens there already; `not_supported` where the engine is no Gantry
   */
  registry(options?: RegistryServerOptions): Promise<RegistryServer>
  events(filter?: EventFilter): AsyncIterable<EngineEvent>
  /** Remove what nothing uses: stopped containers, networks, images without a name; more with options. `docker system prune` */
  prune(options?: PruneOptions): Promise<{ readonly reclaimedBytes: number }>
  /**
   * An engine within this one, with a session of its own: what is made through it goes away when it is closed, and with this engine at the
   * latest. It shares the way to the engine.
   */
  scope(name?: string): Engine
  /**
   * Serve this engine to Docker's clients as well: the `docker` CLI, Compose, Testcontainers, any SDK. Closing what this gives, or the
   * engine, ends it.
   *
   * @param address - `unix:///run/gantry.sock` or `tcp://host:port`; port 0 takes a free one
   * @throws EngineError `not_supported` where the engine is not of this process; `invalid_argument` for TCP without client certificates;
   * `conflict` where somebody listens there already
   */
  listen(address: string, options?: ListenOptions): Promise<Listener>
  /**
   * Remove the containers, networks and volumes that were made through this engine without `keep`, end what is in flight, free everything. Idempotent.
   *
   * @throws EngineError `failed` when something could not be removed, after everything else was.
   */
  close(): Promise<void>
}
