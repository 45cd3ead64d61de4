import { ContainerCreate, ContainerDelete, ContainerWait } from '../../api/index.js'
import { keepLabel, sessionLabel } from '../../api/labels.js'
import { EngineError } from '../../errors/index.js'
import { onAbort } from '../../util/link-signals.js'
import { type CallLimits, openCallScope } from '../call-scope.js'
import { callThrough, type EngineContext } from '../context.js'
import type { EngineEvent } from '../events/engine-event.js'
import { pullImage } from '../images/pull-image.js'
import { createBody, type SpecSettings } from '../images/spec-settings.js'
import type { PullPolicy, TerminalSize } from '../processes/process.js'
import { needsPreparing, prepareContainer } from './prepare-container.js'

/** What a verb makes of a spec. */
export interface CreateRequest extends CallLimits {
  readonly name?: string
  readonly tty: boolean
  readonly attached: boolean
  readonly remove: boolean
  readonly keep: boolean
  readonly pull: PullPolicy
  readonly size?: TerminalSize
  /** Events of a pull. */
  readonly emit: (event: EngineEvent) => void
}

/**
 * Create a container, and note it as the session's unless it is kept. A missing image is pulled where the policy allows it; that it is
 * missing shows in the refusal, which saves asking for it every time.
 *
 * @returns its id
 */
export async function createContainer(context: EngineContext, spec: SpecSettings, request: CreateRequest): Promise<string> {
  if (request.pull === 'always') await pull(context, spec, request)
  const id = await createOrPull(context, spec, request)
  if (needsPreparing(spec)) await prepare(context, spec, id, request)
  return id
}

async function createOrPull(context: EngineContext, spec: SpecSettings, request: CreateRequest): Promise<string> {
  try {
    return await create(context, spec, request)
  } catch (error) {
    if (request.pull !== 'missing' || !isMissingImage(error)) throw error
    await pull(context, spec, request)
    return await create(context, spec, request)
  }
}

/** What is done with a container between its creation and its start. It is removed where that fails. */
async function prepare(context: EngineContext, spec: SpecSettings, id: string, limits: CallLimits): Promise<void> {
  const scope = openCallScope(`create of ${spec.reference}`, limits, context.session.closing)
  try {
    await prepareContainer(context, spec, id, scope.signal)
  } catch (error) {
    await removeForGood(context, id).catch(() => {})
    throw error
  } finally {
    scope.release()
  }
}

/** Remove a container and its anonymous volumes, running or not. One that is gone is fine, and so is one that is being removed already. */
export async function removeForGood(context: EngineContext, id: string): Promise<void> {
  try {
    await callThrough(context, ContainerDelete, { path: { id }, query: { force: true, v: true } })
  } catch (error) {
    if (isBeingRemoved(error)) await untilRemoved(context, id)
    else if (!isNotFound(error)) throw error
  }
  context.session.forget('container', id)
}

async function untilRemoved(context: EngineContext, id: string): Promise<void> {
  try {
    await callThrough(context, ContainerWait, { path: { id }, query: { condition: 'removed' } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function isBeingRemoved(error: unknown): boolean {
  return EngineError.is(error) && error.code === 'conflict' && /removal .* in progress|being removed/i.test(error.message)
}

function isNotFound(error: unknown): boolean {
  return EngineError.is(error) && error.code === 'not_found'
}

async function pull(context: EngineContext, spec: SpecSettings, request: CreateRequest): Promise<void> {
  const { signal, timeoutMs, emit } = request
  await pullImage(context, {
    reference: spec.reference,
    policy: 'always',
    emit,
    ...(spec.platform !== undefined && { platform: spec.platform }),
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs })
  })
}

async function create(context: EngineContext, spec: SpecSettings, request: CreateRequest): Promise<string> {
  const { session } = context
  const labels = { [sessionLabel]: session.id, ...(request.keep && { [keepLabel]: 'true' }) }
  const query = {
    ...(request.name !== undefined && { name: request.name }),
    ...(spec.platform !== undefined && { platform: spec.platform })
  }
  request.signal?.throwIfAborted()
  const input = { query, body: createBody(spec, { ...request, labels }) }
  // Neither the caller's signal nor the engine's closing cuts it off: it may have made a container whose id nobody would know.
  const created = session.create('container', request.keep, async () => {
    const { Id } = await callThrough(context, ContainerCreate, input)
    return Id
  })
  return unlessAborted(created, request.signal, id => session.background(removeForGood(context, id)))
}

/** The result, or the signal's reason as soon as that is aborted; a result that comes too late is undone. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, undo: (value: T) => void): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      work.then(undo, () => {})
      reject(signal.reason)
    }
    if (signal.aborted) return giveUp()
    const release = onAbort(signal, giveUp)
    work.then(resolve, reject).finally(release)
  })
}

function isMissingImage(error: unknown): boolean {
  return EngineError.is(error) && error.code === 'not_found' && /image/i.test(error.message)
}
