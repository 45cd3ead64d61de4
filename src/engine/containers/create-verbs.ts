import { ContainerStart } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { type CallLimits, checkAbortable, openCallScope } from '../call-scope.js'
import { checkBoolean, checkKeys, checkOneOf, checkString, optional } from '../checks.js'
import { call, type EngineContext } from '../context.js'
import type { EngineEvent } from '../events/engine-event.js'
import type { Task } from '../events/task.js'
import { TaskRun } from '../events/task-run.js'
import type { Container } from '../handles.js'
import type { CreateOptions } from '../images/image.js'
import type { SpecSettings } from '../images/spec-settings.js'
import { type ContainerHandle, openContainer } from './container-handle.js'
import { type CreateRequest, createContainer, removeForGood } from './create-container.js'
import { startFailure } from './start-failure.js'

/** `create`: make a container without starting it. */
export async function createVerb(context: EngineContext, spec: SpecSettings, options: CreateOptions): Promise<Container> {
  const request = createRequest('create', options, () => {})
  return withScope(context, `create of ${spec.reference}`, request, signal => make(context, spec, { ...request, signal }))
}

/** `start`: make a container and start it, detached. What could not be started is removed. */
export function startVerb(context: EngineContext, spec: SpecSettings, options: CreateOptions): Task<Container> {
  return new TaskRun<Container>(async emit => {
    const request = createRequest('start', options, emit)
    return withScope(context, `start of ${spec.reference}`, request, async signal => {
      const container = await make(context, spec, { ...request, signal })
      try {
        announce(emit, container, 'container.created', 'container.layered')
        const isNetworked = await startContainer(context, container, signal)
        announce(emit, container, ...(isNetworked ? (['container.networked'] as const) : []), 'container.started')
        return container
      } catch (error) {
        // What fails here stays in the session, which tries again when it ends.
        await removeForGood(context, container.id).catch(() => {})
        throw error
      }
    })
  })
}

async function make(context: EngineContext, spec: SpecSettings, request: CreateRequest): Promise<ContainerHandle> {
  const id = await createContainer(context, spec, request)
  const { name, tty } = request
  // Where raw() set a terminal, only the engine knows.
  const known = spec.raw === undefined && spec.ports === undefined ? { tty, ...(name !== undefined && { name }) } : {}
  try {
    return await openContainer(context, id, known)
  } catch (error) {
    await removeForGood(context, id).catch(() => {})
    throw error
  }
}

/** @returns whether it was connected to a network */
async function startContainer(context: EngineContext, container: ContainerHandle, signal: AbortSignal): Promise<boolean> {
  try {
    await call(context, ContainerStart, { path: { id: container.id } }, { signal })
  } catch (error) {
    throw startFailure(error)
  }
  try {
    const { NetworkSettings } = await container.inspect()
    return Object.keys(NetworkSettings.Networks ?? {}).length > 0
  } catch (error) {
    // With AutoRemove it may have run and gone already.
    if (EngineError.is(error) && error.code === 'not_found') return false
    throw error
  }
}

function announce(
  emit: (event: EngineEvent) => void,
  container: Container,
  ...types: readonly ('container.created' | 'container.layered' | 'container.networked' | 'container.started')[]
): void {
  for (const type of types) emit({ type, id: container.id, name: container.name, at: new Date() })
}

function createRequest(verb: string, options: CreateOptions, emit: (event: EngineEvent) => void): CreateRequest {
  const given = checkKeys(verb, options, ['name', 'tty', 'keep', 'pull', 'signal', 'timeout'])
  const name = optional(checkString, `${verb}.name`, given.name)
  return {
    tty: optional(checkBoolean, `${verb}.tty`, given.tty) ?? false,
    keep: optional(checkBoolean, `${verb}.keep`, given.keep) ?? false,
    pull: given.pull === undefined ? 'missing' : checkOneOf(`${verb}.pull`, given.pull, ['missing', 'always', 'never']),
    attached: false,
    remove: false,
    emit,
    ...checkAbortable(verb, given),
    ...(name !== undefined && { name })
  }
}

async function withScope<T>(
  context: EngineContext,
  what: string,
  limits: CallLimits,
  work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const scope = openCallScope(what, limits, context.session.closing)
  try {
    return await work(scope.signal)
  } finally {
    scope.release()
  }
}
