import type { Duplex } from 'node:stream'
import type { Hijacked } from '../../src/api/index.js'
import { pump } from './pump.js'
import { framed, outputType } from './send-response.js'

/** How a connection is handed over. */
export interface Handover {
  readonly version: string
  /** The protocol that the client asked for; undefined where it asked for none and takes the bytes as the answer's body. */
  readonly upgrade: string | undefined
  /** Bytes of the client that came with the request. */
  readonly head: Buffer
  /** Whether the bytes are some other protocol's, and no container's output. */
  readonly isBare: boolean
  /** Aborted when the daemon ends its streams. */
  readonly signal: AbortSignal
}

/**
 * Join a client's connection and a process's streams, both ways, until the process's output ends or the client goes away.
 *
 * Each direction ends by itself: the end of what the client sends closes the process's stdin while its output goes on; the end of the output
 * ends the connection. Both are held up by a slow reader.
 */
export async function hijack(connection: Duplex, process: Hijacked, handover: Handover): Promise<void> {
  const { signal } = handover
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  connection.on('error', leave)
  connection.once('close', leave)
  signal.addEventListener('abort', leave)
  if (signal.aborted || connection.destroyed) leave()
  try {
    connection.write(greeting(process, handover))
    const input = feed(connection, process, handover.head)
    const bytes = framed(process.output, process.tty || handover.isBare)
    await pump(bytes, connection, gone.signal)
    // The client's side may stay open for long: it learns of the end by ours, and what it still sends goes nowhere.
    connection.end()
    input.stop()
    await closed(connection)
  } finally {
    signal.removeEventListener('abort', leave)
    connection.destroy()
    await process.close()
  }
}

/** A client that keeps its side open after the end is not waited for longer than this. */
const lingerMs = 2000

function closed(connection: Duplex): Promise<void> {
  return new Promise(resolve => {
    if (connection.destroyed) return resolve()
    const timer = setTimeout(resolve, lingerMs)
    connection.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    connection.resume()
  })
}

function greeting({ tty }: Hijacked, { version, upgrade, isBare }: Handover): string {
  const type = isBare ? 'application/vnd.docker.raw-stream' : outputType(version, tty)
  return upgrade === undefined
    ? `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`
    : `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`
}

/** Give what the client sends to the process, in order and one piece at a time. */
function feed(connection: Duplex, process: Hijacked, head: Buffer): { stop(): void } {
  let isStopped = false
  // A process that no longer reads says so by refusing: its output may still go on.
  const stop = (): void => {
    isStopped = true
    connection.resume()
  }
  let written = Promise.resolve()
  const take = (chunk: Buffer): void => {
    if (isStopped) return
    connection.pause()
    written = process.write(chunk).then(() => {
      if (!isStopped) connection.resume()
    }, stop)
  }
  // The end may be told while the last piece is still on its way, before the start of the process above all.
  const end = (): void => {
    void written.then(() => (isStopped ? undefined : process.closeWrite())).catch(() => {})
  }
  connection.on('data', take)
  connection.on('end', end)
  // It may have been held up while its request was read.
  if (head.length > 0) take(head)
  else connection.resume()
  // An end that came before anybody listened is not told again.
  if (connection.readableEnded) end()
  return { stop }
}
