import { ImagePush, ImageTag, type OciPlatform } from '../../api/index.js'
import { encodeRegistryAuth } from '../../api/registry-auth.js'
import { EngineError } from '../../errors/index.js'
import { type CallLimits, openCallScope } from '../call-scope.js'
import { callWith, type EngineContext } from '../context.js'
import type { EngineEvent } from '../events/engine-event.js'
import type { Auth } from '../values.js'
import type { PushResult } from './image.js'
import { splitReference } from './image-reference.js'
import { type PushLine, PushProgress } from './push-progress.js'
import { type ResolvedAuth, resolveAuth } from './resolve-auth.js'

/** What to push, and how. */
export interface PushRequest extends CallLimits {
  /** What the image is known by here. */
  readonly image: string
  /** The name and tag that it gets in the registry; here too, where it has another. */
  readonly reference: string
  readonly platform?: OciPlatform
  readonly auth?: Auth
  readonly emit: (event: EngineEvent) => void
}

/** Send an image to its registry. Its events go to `emit` and to the engine's listeners. */
export async function pushImage(context: EngineContext, request: PushRequest): Promise<PushResult> {
  const { image, reference, platform } = request
  const { name, tag } = splitReference(reference)
  const scope = openCallScope(`push of ${reference}`, request, context.session.closing)
  const progress = new PushProgress(reference)
  const emit = (event: EngineEvent) => {
    request.emit(event)
    context.announce(event)
  }
  let login: ResolvedAuth | undefined
  try {
    if (image !== reference)
      await callWith(context, ImageTag, { path: { name: image }, query: { repo: name, tag } }, { signal: scope.signal })
    login = await resolveAuth(reference, request.auth, { registries: context.registries, signal: scope.signal })
    const input = {
      path: { name },
      query: { tag, ...(platform !== undefined && { platform }) },
      headers: { 'X-Registry-Auth': login.header ?? nothing(context) }
    }
    for await (const line of await callWith(context, ImagePush, input, { signal: scope.signal })) {
      // The reason for the cast: see PushLine.
      const event = progress.next(line as PushLine)
      if (event !== undefined) emit(event)
    }
  } catch (error) {
    throw aboutReference(login === undefined ? error : login.explain(error), reference)
  } finally {
    scope.release()
  }
  const { pushed, bytes } = progress
  if (pushed === undefined) {
    throw new EngineError(
      'failed',
      `push of ${reference}: the engine at ${context.transport.endpoint} ended it without saying what it pushed`
    )
  }
  emit({ type: 'image.pushed', ref: reference, digest: pushed.digest, bytes })
  return { reference, ...pushed }
}

/** The header has to be there. Empty it leaves a Gantry daemon the logins of its own settings; others want an empty object. */
function nothing({ transport }: EngineContext): string {
  return transport.isGantry ? '' : encodeRegistryAuth({})
}

/** An engine's error, with the image that it is about. */
function aboutReference(error: unknown, reference: string): unknown {
  if (!EngineError.is(error) || error.message.includes(reference)) return error
  return new EngineError(error.code, `push of ${reference}: ${error.message}`, { details: error.details, cause: error })
}
