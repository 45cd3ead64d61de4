import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Take a connection away from HTTP, for a client that goes on with bare bytes without having asked for an upgrade: Node does it by itself
 * only for those that have.
 *
 * Call it when the request's body has been read.
 */
export function takeConnection(request: IncomingMessage, response: ServerResponse): Duplex {
  const { socket } = request
  // Listening for data makes Node's parser let go of the handle; then its own listeners go.
  const ignore = (): void => {}
  socket.on('data', ignore)
  for (const name of ['data', 'end', 'error', 'timeout', 'drain'] as const) socket.removeAllListeners(name)
  socket.pause()
  // The server would take the connection for an idle one and end it with its others. The parser is no public part of a socket.
  const { parser } = socket as { parser?: { remove?(): void } }
  parser?.remove?.()
  socket.setTimeout(0)
  response.detachSocket(socket)
  return socket
}
