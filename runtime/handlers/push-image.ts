import type { PushImageInfo } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { RegistryAuth } from '../images/image-service.js'
import { familiar, familiarName, parseReference, type Reference } from '../registry/reference.js'
import { pushMessages } from './push-messages.js'

/** What `POST /images/{name}/push` asks for. */
export interface PushRequest {
  readonly name: string
  /** All tags without, unless the name has one. */
  readonly tag?: string
  readonly platform?: string
  readonly auth?: RegistryAuth | 'anonymous'
}

/**
 * `docker push`. As with Docker the call succeeds as soon as the name can be read; everything else is told in its stream.
 *
 * @throws EngineError `invalid_argument` for a name or tag that is none
 */
export function pushImage(context: ContainerContext, request: PushRequest, signal: AbortSignal): AsyncIterable<PushImageInfo> {
  const { reference, isNameOnly } = readName(request)
  const stopped = new AbortController()
  const push = pushMessages(`${reference.domain}/${reference.path}`, () => stopped.abort())
  const options = {
    ...(request.platform && { platform: request.platform }),
    ...(request.auth && { auth: request.auth }),
    signal: AbortSignal.any([signal, stopped.signal]),
    onProgress: push.onProgress
  }
  const pushAll = async () => {
    if (reference.digest !== undefined) throw new EngineError('invalid_argument', 'cannot push a digest reference')
    for (const tag of await tagsOf(context, reference, isNameOnly)) {
      push.pushed(tag, await context.images.push(`${familiarName(reference)}:${tag}`, options))
    }
    const name = familiarName(reference)
    context.events.publish({ Type: 'image', Action: 'push', id: isNameOnly ? name : familiar(reference), attributes: { name } })
  }
  pushAll().then(push.end, push.fail)
  return push.messages
}

function readName({ name, tag }: PushRequest): { readonly reference: Reference; readonly isNameOnly: boolean } {
  const reference = parseReference(tag ? `${name}:${tag}` : name)
  // A tag begins after the last slash: before it a colon belongs to a port.
  const isNameOnly = !tag && !name.slice(name.lastIndexOf('/') + 1).includes(':')
  return { reference, isNameOnly }
}

async function tagsOf({ images }: ContainerContext, reference: Reference, isNameOnly: boolean): Promise<readonly string[]> {
  const name = familiarName(reference)
  const known = (await images.list())
    .flatMap(({ tags }) => tags.map(parseReference))
    .filter(each => familiarName(each) === name)
    .flatMap(({ tag = '' }) => tag)
  if (known.length === 0) {
    throw new EngineError('not_found', `An image does not exist locally with the tag: ${name}`, { details: { image: name } })
  }
  return isNameOnly ? known.sort() : [reference.tag ?? 'latest']
}
