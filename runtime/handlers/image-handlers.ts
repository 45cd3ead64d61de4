import { decodeTrustPolicy, type Handlers, type ImageInspectResponse, type TrustPolicy } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { commitContainer } from '../containers/commit.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ImageRecord } from '../images/image-service.js'
import { checkPlatform } from '../images/platform-choice.js'
import { parsePlatform } from '../registry/platform.js'
import { familiar, familiarName, parseReference } from '../registry/reference.js'
import { imageAttestations } from './image-attestations.js'
import { tellOfImage } from './image-events.js'
import { imageHistory } from './image-history.js'
import { manifestsView } from './image-manifests-view.js'
import { importImage } from './import-image.js'
import { configDefaults } from './inspect-defaults.js'
import { listImages } from './list-images.js'
import { onePlatform } from './one-platform.js'
import { pruneImages } from './prune-images.js'
import { pullMessages } from './pull-messages.js'
import { registryAuthOf } from './registry-auth-header.js'
import { removeImage } from './remove-image.js'
import { taggedReference } from './tagged-reference.js'

/** The operations of `/images`. */
export function imageHandlers(context: ContainerContext): Handlers {
  const { images, events } = context
  return {
    async ImageCreate({ query, headers, body }, { signal }) {
      if (query?.fromSrc) return importImage(context, { ...query, source: query.fromSrc, body, signal })
      if (!query?.fromImage)
        throw new EngineError('invalid_argument', 'fromImage: name the image to pull', { details: { field: 'query.fromImage' } })
      const text = referenceText(query.fromImage, query.tag)
      const reference = parseReference(text)
      const auth = registryAuthOf(headers?.['X-Registry-Auth'])
      const verify = verifyOf(headers?.['X-Gantry-Verify'])
      const stopped = new AbortController()
      const stop = AbortSignal.any([signal, stopped.signal])
      const pull = pullMessages(reference.path, reference.digest ?? reference.tag ?? 'latest', () => stopped.abort())
      const done = images.pull(text, {
        ...(query.platform && { platform: query.platform }),
        ...(auth && { auth }),
        ...(verify && { verify }),
        signal: stop,
        onProgress: pull.onProgress
      })
      const told = done.then(
        result => {
          const { config } = result.image
          tellOfImage(events, 'pull', { id: familiar(reference), config, name: familiarName(reference) })
          pull.finish(result, familiar(reference))
        },
        (error: unknown) => pull.fail(error)
      )
      // What fails before there is anything to tell fails the call, with its status; what fails later is told in the stream.
      await Promise.race([pull.begun, done])
      void told
      return pull.messages
    },

    async ImageInspect({ path, query }) {
      const { manifests = false, platform } = query ?? {}
      if (manifests && platform !== undefined) {
        throw new EngineError('invalid_argument', 'manifests, platform: both at once cannot be asked for')
      }
      const image = await images.get(path.name)
      checkImagePlatform(path.name, image, platform && [platform])
      return { ...inspectView(image, context.snapshotter), ...(manifests && (await manifestsView(context, image.id))) }
    },

    ImageList: ({ query }) => listImages(context, query ?? {}),

    async ImageTag({ path, query }) {
      if (!query?.repo) throw new EngineError('invalid_argument', 'repo: the new name is missing', { details: { field: 'query.repo' } })
      const name = familiar(taggedReference(query.repo, query.tag, 'refusing to create a tag with a digest reference'))
      await images.tag(path.name, name)
      tellOfImage(events, 'tag', { ...(await images.get(name)), name })
      return { modified: true }
    },

    async ImageDelete({ path, query }) {
      const { force = false, noprune = false, platforms } = query ?? {}
      if (platforms !== undefined) checkImagePlatform(path.name, await images.get(path.name), platforms, 'platforms')
      return removeImage(context, path.name, { force, keepParents: noprune })
    },

    async ImageHistory({ path, query }) {
      const image = await images.get(path.name)
      checkImagePlatform(path.name, image, query?.platform && [query.platform])
      const parents: ImageRecord[] = []
      for (let next = image.parentId; next !== undefined; next = parents.at(-1)?.parentId) {
        const parent = await images.get(next).catch(() => undefined)
        if (parent === undefined) break
        parents.push(parent)
      }
      return imageHistory(image, parents, context.snapshotter)
    },

    async ImageCommit({ query, body }, { signal }) {
      if (!query?.container)
        throw new EngineError('invalid_argument', 'container: name the container to commit', { details: { field: 'query.container' } })
      const { repo, tag, author, comment } = query
      const reference = repo ? taggedReference(repo, tag, 'refusing to create a tag with a digest reference') : undefined
      const request = {
        ...(reference && { name: familiar(reference) }),
        pause: query.pause ?? true,
        ...(author && { author }),
        ...(comment && { comment }),
        config: body ?? {},
        changes: query.changes ?? []
      }
      const { id } = await commitContainer(context, query.container, request, signal)
      return { Id: id }
    },

    ImageAttestations: input => imageAttestations(input, images),

    async ImageVerify({ path, headers }, { signal }) {
      const auth = registryAuthOf(headers?.['X-Registry-Auth'])
      const verify = verifyOf(headers?.['X-Gantry-Verify'])
      const { digest, checked } = await images.verify(path.name, { signal, ...(auth && { auth }), ...(verify && { verify }) })
      return { Digest: digest, Checked: checked }
    },

    ImagePrune: ({ query }, { signal }) => pruneImages(context, query?.filters ?? {}, signal)
  }
}

/** `fromImage` and `tag` as one reference; a digest may stand in either. */
function referenceText(image: string, tag: string | undefined): string {
  if (!tag) return image
  return tag.startsWith('sha256:') ? `${image}@${tag}` : `${image}:${tag}`
}

function verifyOf(header: string | undefined): TrustPolicy | undefined {
  return header === undefined ? undefined : decodeTrustPolicy(header)
}

/** An image here is of one platform. @throws EngineError `not_found` where that is another one, `not_implemented` for several */
function checkImagePlatform(name: string, image: ImageRecord, platforms: Parameters<typeof onePlatform>[0], field = 'platform'): void {
  const asked = onePlatform(platforms, field)
  if (asked !== undefined) checkPlatform(name, image, { asked: parsePlatform(asked) })
}

function inspectView(image: ImageRecord, snapshotter: Pick<ContainerContext['snapshotter'], 'directories'>): ImageInspectResponse {
  const { ExposedPorts: ports, Volumes: volumes, ...config } = image.config
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    Parent: image.parentId ?? '',
    Comment: image.comment ?? image.history.at(-1)?.comment ?? '',
    Created: image.createdAt,
    Author: image.author ?? '',
    Config: {
      ...configDefaults,
      ...config,
      ...(ports && { ExposedPorts: setOf(ports) }),
      ...(volumes && { Volumes: setOf(volumes) })
    },
    Architecture: image.architecture,
    ...(image.variant && { Variant: image.variant }),
    Os: image.os,
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Name: 'overlay2', Data: layerFolders(image.chainId === undefined ? [] : snapshotter.directories(image.chainId)) },
    RootFS: { Type: 'layers', Layers: image.diffIds },
    Metadata: { LastTagTime: image.lastTaggedAt ?? '0001-01-01T00:00:00Z' },
    DockerVersion: image.dockerVersion ?? ''
  }
}

/** In the words of the driver; that no image is mounted by itself, only containers are, shows in what is missing. */
function layerFolders([top, ...below]: readonly string[]): Readonly<Record<string, string>> {
  return { ...(below.length > 0 && { LowerDir: below.join(':') }), ...(top !== undefined && { UpperDir: top }) }
}

/** Go's way to write a set: the members as keys, each with an empty object. */
function setOf(members: Readonly<Record<string, object>>): Readonly<Record<string, Readonly<Record<string, never>>>> {
  return Object.fromEntries(Object.keys(members).map(member => [member, {}]))
}
