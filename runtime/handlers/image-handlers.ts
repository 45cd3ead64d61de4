import { decodeTrustPolicy, type Handlers, type ImageInspectResponse, type ImageSummary, type TrustPolicy } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { commitContainer } from '../containers/commit.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ImageRecord } from '../images/image-service.js'
import { familiar, familiarName, parseReference } from '../registry/reference.js'
import { imageAttestations } from './image-attestations.js'
import { imageFilter, referenceTest } from './image-filters.js'
import { imageHistory } from './image-history.js'
import { importImage } from './import-image.js'
import { configDefaults } from './inspect-defaults.js'
import { pruneImages } from './prune-images.js'
import { pullMessages } from './pull-messages.js'
import { registryAuthOf } from './registry-auth-header.js'
import { removeImage } from './remove-image.js'

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
          events.publish({ Type: 'image', Action: 'pull', id: familiar(reference), attributes: { name: familiarName(reference) } })
          pull.finish(result, familiar(reference))
        },
        (error: unknown) => pull.fail(error)
      )
      // What fails before there is anything to tell fails the call, with its status; what fails later is told in the stream.
      await Promise.race([pull.begun, done])
      void told
      return pull.messages
    },

    async ImageInspect({ path }) {
      return inspectView(await images.get(path.name))
    },

    async ImageList({ query }) {
      const records = await images.list()
      const matches = await imageFilter(query?.filters ?? {}, name => images.get(name))
      // Of an image with several names, those that were asked for are shown.
      const isAskedFor = referenceTest(query?.filters?.reference ?? [])
      return records
        .filter(matches)
        .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
        .map(image => summaryView({ ...image, tags: image.tags.filter(isAskedFor), repoDigests: image.repoDigests.filter(isAskedFor) }))
    },

    async ImageTag({ path, query }) {
      if (!query?.repo) throw new EngineError('invalid_argument', 'repo: the new name is missing', { details: { field: 'query.repo' } })
      await images.tag(path.name, query.tag ? `${query.repo}:${query.tag}` : query.repo)
      const image = await images.get(path.name)
      events.publish({
        Type: 'image',
        Action: 'tag',
        id: image.id,
        attributes: { name: query.tag ? `${query.repo}:${query.tag}` : query.repo }
      })
      return { modified: true }
    },

    ImageDelete: ({ path, query }) => removeImage(context, path.name, { force: query?.force ?? false }),

    async ImageHistory({ path }) {
      const image = await images.get(path.name)
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
      const reference = repo ? parseReference(referenceText(repo, tag)) : undefined
      if (reference?.digest !== undefined) throw new EngineError('invalid_argument', 'refusing to create a tag with a digest reference')
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

function summaryView(image: ImageRecord): ImageSummary {
  return {
    Id: image.id,
    ParentId: image.parentId ?? '',
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    Created: Math.floor(Date.parse(image.createdAt) / 1000),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    SharedSize: -1,
    Labels: image.config.Labels ?? null,
    Containers: -1
  }
}

function inspectView(image: ImageRecord): ImageInspectResponse {
  const { ExposedPorts: ports, Volumes: volumes, ...config } = image.config
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    Parent: image.parentId ?? '',
    Comment: image.history.at(-1)?.comment ?? '',
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
    // Its layers are not mounted by themselves.
    GraphDriver: { Name: 'overlay2', Data: {} },
    RootFS: { Type: 'layers', Layers: image.diffIds },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    DockerVersion: ''
  }
}

/** Go's way to write a set: the members as keys, each with an empty object. */
function setOf(members: Readonly<Record<string, object>>): Readonly<Record<string, Readonly<Record<string, never>>>> {
  return Object.fromEntries(Object.keys(members).map(member => [member, {}]))
}
