import { StringDecoder } from 'node:string_decoder'
import { ContainerLogs } from '../../api/index.js'
import type { Frame } from '../../api/operation.js'
import { type CallLimits, checkAbortable, openCallScope } from '../call-scope.js'
import { checkBoolean, checkCount, checkDate, checkKeys, optional } from '../checks.js'
import { callWith, type EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import type { Output } from '../processes/process.js'
import { unixTime } from '../unix-time.js'
import type { LogOptions, Logs } from './container.js'
import { LogLines } from './log-lines.js'

/** A container's logs. Nothing is asked for before they are iterated or `text()` is called. */
export function containerLogs(context: EngineContext, container: Container, tty: boolean | undefined, options: LogOptions): Logs {
  const given = checkKeys('logs', options, ['follow', 'since', 'tail', 'signal', 'timeout'])
  const limits = checkAbortable('logs', given)
  const since = optional(checkDate, 'logs.since', given.since)
  const tail = optional(checkCount, 'logs.tail', given.tail)
  const query = {
    stdout: true,
    stderr: true,
    follow: optional(checkBoolean, 'logs.follow', given.follow) ?? false,
    ...(since && { since: unixTime(since) }),
    ...(tail !== undefined && { tail: String(tail) })
  }
  const frames = (timestamps: boolean): AsyncGenerator<Frame, void, undefined> =>
    openLogs(context, container, { ...query, timestamps }, { limits, ...(tty !== undefined && { tty }) })
  return {
    [Symbol.asyncIterator]: () => lines(frames(true)),
    text: () => text(frames(false))
  }
}

async function* openLogs(
  context: EngineContext,
  container: Container,
  query: { readonly follow: boolean; readonly timestamps: boolean },
  options: { readonly limits: CallLimits; readonly tty?: boolean }
): AsyncGenerator<Frame, void, undefined> {
  const { limits, tty } = options
  const scope = openCallScope(`logs of container ${container.name}`, limits, context.session.closing)
  try {
    const call = { signal: scope.signal, ...(tty !== undefined && { tty }) }
    yield* await callWith(context, ContainerLogs, { path: { id: container.id }, query }, call)
  } finally {
    scope.release()
  }
}

async function* lines(frames: AsyncIterable<Frame>): AsyncGenerator<Output, void, undefined> {
  const streams = { stdout: new LogLines('stdout'), stderr: new LogLines('stderr') }
  for await (const { stream, data } of frames) {
    if (stream !== 'stdin') yield* streams[stream].push(data)
  }
  yield* streams.stdout.end()
  yield* streams.stderr.end()
}

async function text(frames: AsyncIterable<Frame>): Promise<string> {
  const decoders = { stdin: new StringDecoder('utf8'), stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let all = ''
  // The reason for the cast: StringDecoder takes any Uint8Array, its types ask for a Buffer.
  for await (const { stream, data } of frames) all += decoders[stream].write(data as Buffer)
  return all + decoders.stdout.end() + decoders.stderr.end()
}
