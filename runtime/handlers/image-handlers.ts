import { decodeRegistryAuth, type Handlers, type ImageInspectResponse, type ImageSummary } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ImageRecord, RegistryAuth } from '../images/image-service.js'
import { familiar, familiarName, parseReference } from '../registry/reference.js'
import { hasLabel } from './list-filters.js'
import { pullMessages } from './pull-messages.js'

/** The operations of `/images`. */
export function imageHandlers(context: ContainerContext): Handlers {
  const { images, events } = context
  return {
    async ImageCreate({ query, headers }, { signal }) {
      if (query?.fromSrc) throw new EngineError('not_implemented', 'fromSrc: importing an image is not built yet in the in-process runtime')
      if (!query?.fromImage)
        throw new EngineError('invalid_argument', 'fromImage: name the image to pull', { details: { field: 'query.fromImage' } })
      const text = referenceText(query.fromImage, query.tag)
      const reference = parseReference(text)
      const auth = authOf(headers?.['X-Registry-Auth'])
      const stopped = new AbortController()
      const stop = AbortSignal.any([signal, stopped.signal])
      const pull = pullMessages(reference.path, reference.digest ?? reference.tag ?? 'latest', () => stopped.abort())
      const done = images.pull(text, {
        ...(query.platform && { platform: query.platform }),
        ...(auth && { auth }),
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
      const matches = imageFilter(query?.filters ?? {})
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

    async ImageDelete({ path, query }) {
      const { id } = await images.get(path.name)
      const removed = await images.remove(path.name, { force: query?.force ?? false, usedBy: usersOf(context) })
      for (const item of removed) {
        // A name by digest goes with its tag and is no event of its own.
        if ('untagged' in item && item.untagged.includes('@')) continue
        if ('untagged' in item) events.publish({ Type: 'image', Action: 'untag', id, attributes: { name: item.untagged } })
        else events.publish({ Type: 'image', Action: 'delete', id: item.deleted, attributes: { name: item.deleted } })
      }
      return removed.map(item => ('untagged' in item ? { Untagged: item.untagged } : { Deleted: item.deleted }))
    }
  }
}

/** `fromImage` and `tag` as one reference; a digest may stand in either. */
function referenceText(image: string, tag: string | undefined): string {
  if (!tag) return image
  return tag.startsWith('sha256:') ? `${image}@${tag}` : `${image}:${tag}`
}

function authOf(header: string | undefined): RegistryAuth | undefined {
  if (!header) return undefined
  const { username, password, identitytoken, registrytoken } = decodeRegistryAuth(header)
  if (identitytoken) return { identityToken: identitytoken }
  if (registrytoken) return { registryToken: registrytoken }
  return username ? { username, password: password ?? '' } : undefined
}

function usersOf(context: ContainerContext) {
  return new Map(
    context.store.list().map(({ id, imageId, state }) => [imageId, { containerId: id, running: state.status === 'running' }] as const)
  )
}

function imageFilter(filters: Readonly<Record<string, readonly string[]>>): (image: ImageRecord) => boolean {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]): ((image: ImageRecord) => boolean) => {
      switch (key) {
        case 'dangling':
          return image => values.includes(String(image.tags.length === 0))
        case 'label':
          return image => values.every(value => hasLabel(image.config.Labels ?? {}, value))
        case 'reference': {
          const isAskedFor = referenceTest(values)
          return image => image.tags.some(isAskedFor)
        }
        case 'before':
        case 'since':
        case 'until':
          throw new EngineError('not_implemented', `the image filter ${JSON.stringify(key)} is not built yet in the in-process runtime`, {
            details: { filter: key }
          })
        default:
          throw new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
      }
    })
  return image => tests.every(test => test(image))
}

/** Whether a name with its tag or digest is one of those that `reference` filters ask for; without any, all are. */
function referenceTest(globs: readonly string[]): (name: string) => boolean {
  const patterns = globs.map(globPattern)
  return name =>
    patterns.length === 0 || patterns.some(pattern => pattern.test(name) || pattern.test(name.replace(/(@sha256)?:[^:/]*$/, '')))
}

/** Docker matches references like file names: `*` and `?` stop at a slash. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return new RegExp(`^(.*/)?${source}$`)
}

function summaryView(image: ImageRecord): ImageSummary {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    Created: Math.floor(Date.parse(image.createdAt) / 1000),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    SharedSize: -1,
    Labels: image.config.Labels ?? {},
    Containers: -1
  }
}

function inspectView(image: ImageRecord): ImageInspectResponse {
  const { ExposedPorts: ports, Volumes: volumes, ...config } = image.config
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.repoDigests,
    Parent: '',
    Comment: image.history.at(-1)?.comment ?? '',
    Created: image.createdAt,
    Author: image.author ?? '',
    Config: {
      ...config,
      Entrypoint: config.Entrypoint ?? undefined,
      Cmd: config.Cmd ?? undefined,
      ...(ports && { ExposedPorts: setOf(ports) }),
      ...(volumes && { Volumes: setOf(volumes) })
    },
    Architecture: image.architecture,
    ...(image.variant && { Variant: image.variant }),
    Os: image.os,
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    RootFS: { Type: 'layers', Layers: image.diffIds }
  }
}

/** Go's way to write a set: the members as keys, each with an empty object. */
function setOf(members: Readonly<Record<string, object>>): Readonly<Record<string, Readonly<Record<string, never>>>> {
  return Object.fromEntries(Object.keys(members).map(member => [member, {}]))
}
