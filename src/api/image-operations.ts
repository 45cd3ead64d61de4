import { defineOperation } from './define-operation.js'
import { containerConfig } from './definitions/container-config.js'
import type { ImageInspectResponse } from './definitions/image-inspect.js'
import type {
  AttestationStatement,
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageSearchResponseItem
} from './definitions/image-responses.js'
import type { ImageSummary } from './definitions/image-summary.js'
import type { DistributionInspectResponse } from './definitions/oci-descriptor.js'
import type { BuildInfo, CreateImageInfo, PushImageInfo } from './definitions/progress-messages.js'
import type { BuildPruneResponse, ImagePruneResponse } from './definitions/prune-responses.js'
import type { IDResponse } from './definitions/responses.js'
import type { Done, TarStream } from './operation.js'
import { filters, flag, integer, json, oneOf, platform, platforms, required, since, text, texts, until } from './parameter.js'
import { bytes, optional } from './schema.js'

/** Images in the engine's store, newest first. `docker image ls` */
export const ImageList = defineOperation<readonly ImageSummary[]>()({
  id: 'ImageList',
  method: 'GET',
  path: '/images/json',
  request: 'none',
  response: 'json',
  query: {
    /** Intermediate images of the classic builder as well. */
    all: flag,
    filters,
    /** Work out `SharedSize`, which takes time. */
    'shared-size': since('1.42', flag),
    digests: flag,
    /** List each image's manifests. */
    manifests: since('1.47', flag),
    /** Say who signed, pulled or built each manifest. */
    identity: since('1.54', flag)
  }
})

/** Build an image from a context: an archive, or `remote`. `docker build` */
export const ImageBuild = defineOperation<AsyncIterable<BuildInfo>>()({
  id: 'ImageBuild',
  method: 'POST',
  path: '/build',
  request: 'tar',
  response: 'json-lines',
  query: {
    /** Path of the Dockerfile in the context. */
    dockerfile: text,
    /** References to give the result. */
    t: texts,
    /** `name:address`, one each. */
    extrahosts: since('1.28', texts),
    /** A Git repository or an HTTP address to take the context from. */
    remote: text,
    q: flag,
    nocache: flag,
    /** Images whose layers may be reused. */
    cachefrom: since('1.25', json<readonly string[]>()),
    /** Look for newer base images, also when they are present. */
    pull: flag,
    /** Remove intermediate containers after a success. @default true */
    rm: flag,
    /** Remove them after a failure as well. */
    forcerm: flag,
    /** Bytes. */
    memory: integer,
    /** Bytes, memory included; -1 for no limit. */
    memswap: integer,
    cpushares: integer,
    cpusetcpus: text,
    cpusetmems: text,
    /** Microseconds. */
    cpuperiod: integer,
    /** Microseconds in a period. */
    cpuquota: integer,
    cgroupparent: text,
    buildargs: json<Readonly<Record<string, string | null>>>(),
    /** Bytes. */
    shmsize: integer,
    ulimits: json<readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]>(),
    squash: flag,
    labels: json<Readonly<Record<string, string>>>(),
    networkmode: since('1.25', text),
    securityopt: json<readonly string[]>(),
    /** `os/arch/variant`. */
    platform: since('1.32', text),
    /** The stage to end with. */
    target: since('1.29', text),
    /** What BuildKit makes of the result. */
    outputs: since('1.40', json<readonly { readonly Type: string; readonly Attrs?: Readonly<Record<string, string>> }[]>()),
    /** `1` classic, `2` BuildKit. */
    version: since('1.38', oneOf('1', '2')),
    /** The {@link Session} that BuildKit asks for secrets, keys and contexts. */
    session: since('1.31', text),
    /** A name for the build, by which it can be cancelled. */
    buildid: since('1.38', text)
  },
  headers: {
    'Content-type': oneOf('application/x-tar'),
    /** Credentials by registry, encoded like `X-Registry-Auth`. */
    'X-Registry-Config': text
  },
  body: () => optional(bytes())
})

/** Throw away build cache. `docker builder prune` */
export const BuildPrune = defineOperation<BuildPruneResponse>()({
  id: 'BuildPrune',
  method: 'POST',
  path: '/build/prune',
  since: '1.31',
  request: 'none',
  response: 'json',
  query: {
    /** Bytes to keep. The former name of `reserved-space`. */
    'keep-storage': since('1.39', until('1.51', integer)),
    /** Bytes that are kept in any case. */
    'reserved-space': since('1.48', integer),
    /** Bytes the cache may take. */
    'max-used-space': since('1.48', integer),
    /** Bytes that have to be free on the disk afterwards. */
    'min-free-space': since('1.48', integer),
    all: since('1.39', flag),
    filters: since('1.39', filters)
  }
})

/**
 * Pull an image from its registry, or make one from a root filesystem archive (`fromSrc`). `docker pull`, `docker import`
 *
 * A failure after the download began comes as the last message of the stream.
 */
export const ImageCreate = defineOperation<AsyncIterable<CreateImageInfo>>()({
  id: 'ImageCreate',
  method: 'POST',
  path: '/images/create',
  request: 'tar',
  response: 'json-lines',
  query: {
    /** What to pull; with a tag or digest of its own where `tag` is absent. */
    fromImage: text,
    /** Where to import from: an address, or `-` for the body. */
    fromSrc: text,
    /** Name for what is imported. */
    repo: text,
    /** Tag or digest. Without one in either place, all tags are pulled. */
    tag: text,
    /** Commit message for what is imported. */
    message: text,
    /** Dockerfile instructions to apply to what is imported. */
    changes: texts,
    /** `os/arch/variant`. */
    platform: since('1.32', text)
  },
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text,
    /** Gantry's own: whose signature the image has to have, see `encodeTrustPolicy`. */
    'X-Gantry-Verify': text
  },
  body: () => optional(bytes())
})

/** Everything about one image. `docker image inspect` */
export const ImageInspect = defineOperation<ImageInspectResponse>()({
  id: 'ImageInspect',
  method: 'GET',
  path: '/images/{name}/json',
  request: 'none',
  response: 'json',
  query: {
    /** List its manifests. */
    manifests: since('1.48', flag),
    /** Which platform's image to describe. */
    platform: since('1.49', platform)
  }
})

/** in-toto statements attached to an image: provenance, bills of materials. */
export const ImageAttestations = defineOperation<readonly AttestationStatement[]>()({
  id: 'ImageAttestations',
  method: 'GET',
  path: '/images/{name}/attestations',
  since: '1.55',
  request: 'none',
  response: 'json',
  query: {
    platform: platforms,
    /** Predicate types to give; all without. */
    type: texts,
    /** Include the statements themselves. */
    statement: flag
  }
})

/** The steps an image was made in, newest first. `docker image history` */
export const ImageHistory = defineOperation<readonly ImageHistoryResponseItem[]>()({
  id: 'ImageHistory',
  method: 'GET',
  path: '/images/{name}/history',
  request: 'none',
  response: 'json',
  query: { platform: since('1.48', platform) }
})

/** Push an image to the registry its name says. `docker push` */
export const ImagePush = defineOperation<AsyncIterable<PushImageInfo>>()({
  id: 'ImagePush',
  method: 'POST',
  path: '/images/{name}/push',
  request: 'none',
  response: 'json-lines',
  query: {
    /** All tags without. */
    tag: text,
    platform: since('1.46', platform)
  },
  headers: {
    /** Credentials, see `encodeRegistryAuth`; required, `e30=` (an empty object) for none. */
    'X-Registry-Auth': required(text)
  }
})

/** Give an image another name. `docker tag` */
export const ImageTag = defineOperation<Done>()({
  id: 'ImageTag',
  method: 'POST',
  path: '/images/{name}/tag',
  request: 'none',
  response: 'none',
  query: {
    repo: text,
    /** @default latest */
    tag: text
  }
})

/** Remove a name, and the image with its last one. `docker rmi` */
export const ImageDelete = defineOperation<readonly ImageDeleteResponseItem[]>()({
  id: 'ImageDelete',
  method: 'DELETE',
  path: '/images/{name}',
  request: 'none',
  response: 'json',
  query: {
    /** Also when stopped containers use it or it has several names. */
    force: flag,
    /** Keep parents that have no name. */
    noprune: flag,
    /** Remove only these platforms' content. */
    platforms: since('1.50', platforms)
  }
})

/** Search Docker Hub. `docker search` */
export const ImageSearch = defineOperation<readonly ImageSearchResponseItem[]>()({
  id: 'ImageSearch',
  method: 'GET',
  path: '/images/search',
  request: 'none',
  response: 'json',
  query: { term: required(text), limit: integer, filters },
  // In no published description of the API; every engine takes it, and the docker command sends it.
  headers: { 'X-Registry-Auth': text }
})

/** Remove images that nothing uses. `docker image prune` */
export const ImagePrune = defineOperation<ImagePruneResponse>()({
  id: 'ImagePrune',
  method: 'POST',
  path: '/images/prune',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** Make an image of a container. `docker commit` */
export const ImageCommit = defineOperation<IDResponse>()({
  id: 'ImageCommit',
  method: 'POST',
  path: '/commit',
  request: 'json',
  response: 'json',
  query: {
    container: text,
    repo: text,
    tag: text,
    comment: text,
    author: text,
    /** Pause the container meanwhile. @default true */
    pause: flag,
    /** Dockerfile instructions to apply. */
    changes: texts
  },
  body: () => optional(containerConfig())
})

/** One image as an archive for {@link ImageLoad}. `docker save` */
export const ImageGet = defineOperation<TarStream>()({
  id: 'ImageGet',
  method: 'GET',
  path: '/images/{name}/get',
  request: 'none',
  response: 'tar',
  query: { platform: since('1.48', platforms) }
})

/** Several images as one archive. `docker save` */
export const ImageGetAll = defineOperation<TarStream>()({
  id: 'ImageGetAll',
  method: 'GET',
  path: '/images/get',
  request: 'none',
  response: 'tar',
  query: { names: texts, platform: since('1.48', platforms) }
})

/** Take in the images of an archive. `docker load` */
export const ImageLoad = defineOperation<AsyncIterable<BuildInfo>>()({
  id: 'ImageLoad',
  method: 'POST',
  path: '/images/load',
  request: 'tar',
  response: 'json-lines',
  query: {
    /** No progress messages. @default true */
    quiet: flag,
    platform: since('1.48', platforms)
  },
  body: bytes
})

/** What a registry has under a name, without pulling it. */
export const DistributionInspect = defineOperation<DistributionInspectResponse>()({
  id: 'DistributionInspect',
  method: 'GET',
  path: '/distribution/{name}/json',
  since: '1.30',
  request: 'none',
  response: 'json',
  // As with the search.
  headers: { 'X-Registry-Auth': text }
})
