import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'

/** A way to a server on which connections break. */
export interface CuttingProxy extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly address: string
  /** Cuts made so far. */
  readonly cuts: number
}

/**
 * Stand before `upstream` (`host:port`). A connection on which the client has sent more than `cutAfterBytes` is ended, `times` times; what was
 * sent before goes to the server.
 */
export async function startCuttingProxy(
  upstream: string,
  options: { readonly cutAfterBytes: number; readonly times: number }
): Promise<CuttingProxy> {
  const [host = '', port = ''] = upstream.split(':')
  let cuts = 0
  const server = createServer(client => {
    const there = connect(Number(port), host)
    let sent = 0
    client.on('data', piece => {
      sent += piece.length
      const isCut = sent > options.cutAfterBytes && cuts < options.times
      if (isCut) cuts++
      if (!there.write(piece)) {
        client.pause()
        there.once('drain', () => client.resume())
      }
      if (!isCut) return
      client.destroy()
      there.end()
    })
    client.on('end', () => there.end())
    client.on('error', () => there.destroy())
    there.on('error', () => client.destroy())
    there.pipe(client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // It listens on TCP, so its address is of that kind.
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    address,
    get cuts() {
      return cuts
    },
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => server.close(resolve))
    }
  }
}
