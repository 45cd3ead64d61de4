import { hostImageReference } from '../../api/host-image.js'
import { encodeTrustPolicy, ImageCreate, ImageInspect, ImageVerify, type TrustPolicy } from '../../api/index.js'
import type { InputOf, OutputOf } from '../../api/operation.js'
import { EngineError } from '../../errors/index.js'
import { type CallLimits, openCallScope } from '../call-scope.js'
import { call, callWith, type EngineContext } from '../context.js'
import type { EngineEvent } from '../events/engine-event.js'
import type { PullPolicy } from '../processes/process.js'
import type { Auth, Digest } from '../values.js'
import { contentTrust } from './content-trust.js'
import { digestOf, type ImageFacts } from './image-facts.js'
import { splitReference } from './image-reference.js'
import { PullProgress } from './pull-progress.js'
import { type ResolvedAuth, resolveAuth } from './resolve-auth.js'

/** What to pull, and how. */
export interface PullRequest extends CallLimits {
  readonly reference: string
  readonly platform?: string
  readonly policy: PullPolicy
  readonly auth?: Auth
  /** Whose signature it has to have. @default 'reject-unsigned' where the environment asks for content trust */
  readonly verify?: TrustPolicy
  readonly emit: (event: EngineEvent) => void
}

/** Make sure that an image is here, as the policy says. Its events go to `emit` and to the engine's listeners. */
export async function pullImage(context: EngineContext, request: PullRequest): Promise<ImageFacts> {
  const { reference, policy } = request
  if (reference === hostImageReference) {
    throw new EngineError(
      'not_supported',
      "This machine's root file system is no image of a registry: there is nothing to pull. Run it as it is"
    )
  }
  if (policy !== 'always') {
    const present = await findTrusted(context, request)
    if (present !== undefined) {
      emitPulled(context, request, { digest: digestOf(present, reference), bytes: 0, fromCache: true })
      return present
    }
    if (policy === 'never') {
      throw new EngineError('not_found', `No such image: ${reference}. Pull it first: engine.image(${JSON.stringify(reference)}).pull()`, {
        details: { image: reference }
      })
    }
  }
  const progress = await fetchImage(context, request)
  const facts = await inspectImage(context, reference, request)
  const { bytes, fromCache } = progress
  emitPulled(context, request, { digest: progress.digest ?? digestOf(facts, reference), bytes, fromCache })
  return facts
}

/** Everything the engine knows of an image. @throws EngineError `not_found` */
export function inspectImage(context: EngineContext, reference: string, limits: CallLimits = {}): Promise<OutputOf<typeof ImageInspect>> {
  return call(context, ImageInspect, { path: { name: reference } }, limits)
}

async function inspectIfPresent(context: EngineContext, reference: string, limits: CallLimits): Promise<ImageFacts | undefined> {
  try {
    return await inspectImage(context, reference, limits)
  } catch (error) {
    if (EngineError.is(error) && error.code === 'not_found') return undefined
    throw error
  }
}

/** How often a name may be given to another image while it is checked. */
const maximumChecks = 5

/** An image that is here, and passes what is asked of it. That it is here does not make it trusted. */
async function findTrusted(context: EngineContext, request: PullRequest): Promise<ImageFacts | undefined> {
  const { reference } = request
  for (let checks = 0; checks < maximumChecks; checks++) {
    const present = await inspectIfPresent(context, reference, request)
    if (present === undefined || !(await verifyPresent(context, request))) return present
    // What was checked is what the name stood for at that moment.
    if ((await inspectIfPresent(context, reference, request))?.Id === present.Id) return present
  }
  throw new EngineError('conflict', `${reference}: others give this name to another image as fast as it is checked; try again`)
}

/** Where nothing is asked of it, this asks no registry. @returns whether it was checked */
async function verifyPresent(context: EngineContext, request: PullRequest): Promise<boolean> {
  const { reference, verify = contentTrust() } = request
  if (verify === undefined && !context.transport.isGantry) return false
  const scope = openCallScope(`check of ${reference}`, request, context.session.closing)
  try {
    const login = await resolveAuth(reference, request.auth, { registries: context.registries, signal: scope.signal })
    const headers = headersOf(request, login)
    const input = { path: { name: reference }, ...(headers && { headers }) }
    return (await callWith(context, ImageVerify, input, { signal: scope.signal })).Checked
  } catch (error) {
    throw aboutReference(error, reference)
  } finally {
    scope.release()
  }
}

async function fetchImage(context: EngineContext, request: PullRequest): Promise<PullProgress> {
  const { reference, platform } = request
  const scope = openCallScope(`pull of ${reference}`, request, context.session.closing)
  const progress = new PullProgress(reference)
  let login: ResolvedAuth | undefined
  try {
    login = await resolveAuth(reference, request.auth, { registries: context.registries, signal: scope.signal })
    const input = pullInput(reference, platform, headersOf(request, login))
    for await (const message of await callWith(context, ImageCreate, input, { signal: scope.signal })) {
      const event = progress.next(message)
      if (event !== undefined) emit(context, request, event)
    }
    return progress
  } catch (error) {
    throw aboutReference(login === undefined ? error : login.explain(error), reference)
  } finally {
    scope.release()
  }
}

type PullHeaders = InputOf<typeof ImageCreate>['headers']

function pullInput(reference: string, platform: string | undefined, headers: PullHeaders): InputOf<typeof ImageCreate> {
  const { name, tag } = splitReference(reference)
  // An engine would take it for a wish to have all tags.
  if (tag === '') throw new EngineError('invalid_argument', `${reference}: the tag is empty. Name one, or leave out the colon`)
  return { query: { fromImage: name, tag, ...(platform !== undefined && { platform }) }, ...(headers && { headers }) }
}

/** Credentials, and whose signature is asked for. */
function headersOf({ verify = contentTrust() }: PullRequest, { header }: ResolvedAuth): PullHeaders {
  if (header === undefined && verify === undefined) return undefined
  return {
    ...(header !== undefined && { 'X-Registry-Auth': header }),
    ...(verify !== undefined && { 'X-Gantry-Verify': encodeTrustPolicy(verify) })
  }
}

function emitPulled(
  context: EngineContext,
  request: PullRequest,
  pulled: { readonly digest: Digest; readonly bytes: number; readonly fromCache: boolean }
): void {
  emit(context, request, { type: 'image.pulled', ref: request.reference, ...pulled })
}

function emit(context: EngineContext, request: PullRequest, event: EngineEvent): void {
  request.emit(event)
  context.announce(event)
}

/** An engine's error, with the image that it is about. */
function aboutReference(error: unknown, reference: string): unknown {
  if (!EngineError.is(error)) return error
  if (error.code === 'untrusted' && contentTrust() !== undefined) {
    return new EngineError(error.code, `${error.message} (DOCKER_CONTENT_TRUST is set)`, { details: error.details, cause: error })
  }
  if (error.message.includes(reference)) return error
  return new EngineError(error.code, `pull of ${reference}: ${error.message}`, { details: error.details, cause: error })
}
