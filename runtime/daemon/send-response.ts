import type { ServerResponse } from 'node:http'
import {
  type Done,
  encodeFrame,
  encodeJsonLine,
  type Frame,
  isAtLeast,
  type Operation,
  streamErrorMessage,
  type TarStream
} from '../../src/api/index.js'
import { mapStream } from './map-stream.js'
import { pump } from './pump.js'

/** What sending has to know beside the output. */
export interface ResponseContext {
  readonly version: string
  /** Whether the process behind `frames` has a terminal. */
  readonly tty: boolean
  /** Its signal is aborted when the client leaves. */
  readonly running: { readonly signal: AbortSignal }
}

/** The type of a container's output: Docker before API 1.42 did not say whether it is framed. */
export function outputType(version: string, tty: boolean): string {
  return isAtLeast(version, '1.42') && !tty ? 'application/vnd.docker.multiplexed-stream' : 'application/vnd.docker.raw-stream'
}

/** Texts of values that do not change. */
const texts = new WeakMap<object, string>()

function jsonOf(output: unknown): string {
  const isConstant = typeof output === 'object' && output !== null && Object.isFrozen(output)
  const known = isConstant ? texts.get(output) : undefined
  if (known !== undefined) return known
  const text = `${JSON.stringify(output)}\n`
  if (isConstant) texts.set(output, text)
  return text
}

/** Send an operation's output. */
export async function sendResponse(
  response: ServerResponse,
  operation: Operation,
  output: unknown,
  context: ResponseContext
): Promise<void> {
  // The casts below have one reason: an operation's response kind says what its handler gives.
  switch (operation.response) {
    case 'none':
      response.statusCode = (output as Done).modified ? successOf(operation) : 304
      response.end()
      return
    case 'headers':
      for (const [name, value] of Object.entries(output as Readonly<Record<string, string | undefined>>)) {
        if (value !== undefined) response.setHeader(name, value)
      }
      response.end()
      return
    case 'text':
      sendWhole(response, 'text/plain; charset=utf-8', output as string)
      return
    case 'json':
      response.statusCode = createdBy.has(operation.id) ? 201 : 200
      sendWhole(response, 'application/json', jsonOf(output))
      return
    case 'json-lines':
      response.setHeader('content-type', 'application/json')
      return stream(
        response,
        mapStream(output as AsyncIterable<unknown>, encodeJsonLine, error => encodeJsonLine(streamErrorMessage(error))),
        context
      )
    case 'tar': {
      const archive = output as TarStream
      for (const [name, value] of Object.entries(archive.headers)) response.setHeader(name, value)
      response.setHeader('content-type', 'application/x-tar')
      return stream(response, archive, context)
    }
    case 'frames':
      response.setHeader('content-type', outputType(context.version, context.tty))
      return stream(response, framed(output as AsyncIterable<Frame>, context.tty), context)
    case 'hijack':
      throw new Error(`${operation.id} takes the connection over and is not answered here`)
  }
}

/** Frames as they go over the wire: bare where there is a terminal. */
export function framed(frames: AsyncIterable<Frame>, tty: boolean): AsyncIterable<Uint8Array> {
  return mapStream(frames, tty ? frame => frame.data : encodeFrame)
}

/** What makes something that has an id answers 201. */
const createdBy: ReadonlySet<string> = new Set([
  'ContainerCreate',
  'ContainerExec',
  'NetworkCreate',
  'VolumeCreate',
  'ImageCommit',
  'SecretCreate',
  'ConfigCreate',
  'ServiceCreate',
  'RegistryCreate'
])

/** Operations without a body that answer 200, or 201, where most answer 204. */
const statuses: Readonly<Record<string, number>> = {
  ImageTag: 201,
  ContainerResize: 200,
  ExecResize: 200,
  PutContainerArchive: 200,
  NetworkConnect: 200,
  NetworkDisconnect: 200,
  SwarmLeave: 200,
  SwarmUpdate: 200,
  SwarmUnlock: 200,
  NodeDelete: 200,
  NodeUpdate: 200,
  ServiceDelete: 200,
  SecretUpdate: 200,
  ConfigUpdate: 200,
  PluginEnable: 200,
  PluginDisable: 200,
  PluginPush: 200
}

function successOf(operation: Operation): number {
  return statuses[operation.id] ?? 204
}

function sendWhole(response: ServerResponse, type: string, body: string): void {
  // A wait's headers went when it was registered.
  if (!response.headersSent) {
    response.setHeader('content-type', type)
    response.setHeader('content-length', Buffer.byteLength(body))
  }
  response.end(body)
}

/** Headers go at once: a client waits for them before it does what makes the stream say something. */
async function stream(response: ServerResponse, bytes: AsyncIterable<Uint8Array>, { running }: ResponseContext): Promise<void> {
  const { signal } = running
  response.flushHeaders()
  try {
    await pump(bytes, response, signal)
    response.end()
  } catch (error) {
    // The status is gone: a connection that ends without the last chunk says that something is missing.
    response.destroy()
    if (!signal.aborted) throw error
  }
}
