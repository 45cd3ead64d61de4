import type { InputOf, Operation, OutputOf } from '../api/operation.js'
import { validateInput } from '../api/validate.js'
import type { CallOptions, Transport } from '../transport/transport.js'
import type { LinkedSignal } from '../util/link-signals.js'
import { type CallLimits, defaultDeadlineMs, openCallScope } from './call-scope.js'
import type { RegistryOptions } from './engine.js'
import type { EngineEvent } from './events/engine-event.js'
import type { EventFeed } from './events/event-feed.js'
import type { Image } from './handles.js'
import type { ImageFacts } from './images/image-facts.js'
import type { SpecSettings } from './images/spec-settings.js'
import type { Session } from './session.js'

/** What the handles of one engine share: the way to it, what was made through it, its listeners. */
export interface EngineContext {
  readonly transport: Transport
  readonly session: Session
  readonly registries: Readonly<Record<string, RegistryOptions>>
  readonly events: EventFeed
  /** Tell the engine's own listeners. */
  announce(event: EngineEvent): void
  /** Make an image's handle. Here, because a handle can pull, which makes handles. */
  imageOf(spec: SpecSettings, facts: ImageFacts): Image
}

/**
 * Call an operation whose answer is one value. The input is checked, and the call ends with the caller's signal, after `timeoutMs`, or
 * when the engine closes.
 */
export function call<Op extends Operation>(
  context: EngineContext,
  operation: Op,
  input: InputOf<Op>,
  limits: CallLimits = {}
): Promise<OutputOf<Op>> {
  return callWithin(
    context,
    operation,
    input,
    openCallScope(operation.id, { timeoutMs: defaultDeadlineMs, ...limits }, context.session.closing)
  )
}

/** As {@link call}, for what must not stop half-way: only its deadline ends it. */
export async function callThrough<Op extends Operation>(context: EngineContext, operation: Op, input: InputOf<Op>): Promise<OutputOf<Op>> {
  return callWithin(context, operation, input, openCallScope(operation.id, { timeoutMs: defaultDeadlineMs }))
}

async function callWithin<Op extends Operation>(
  context: EngineContext,
  operation: Op,
  input: InputOf<Op>,
  scope: LinkedSignal
): Promise<OutputOf<Op>> {
  try {
    return await callWith(context, operation, input, { signal: scope.signal })
  } finally {
    scope.release()
  }
}

/** Call an operation whose answer lives longer than the call (a stream, a connection): its whole life is up to `options.signal`. */
export function callWith<Op extends Operation>(
  context: EngineContext,
  operation: Op,
  input: InputOf<Op>,
  options: CallOptions
): Promise<OutputOf<Op>> {
  try {
    options.signal?.throwIfAborted()
    return context.transport.call(operation, validateInput(operation, input), options)
  } catch (error) {
    return Promise.reject(error)
  }
}
