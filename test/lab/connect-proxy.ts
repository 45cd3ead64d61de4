import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** What a proxy was asked for. */
export interface ProxyRequest {
  /** `CONNECT registry.test:443`, `GET http://registry.test/v2/` */
  readonly line: string
  readonly authorization: string | undefined
}

/** An HTTP proxy for tests. Whatever it is asked for, it leads to one place. */
export interface ConnectProxy extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly requests: readonly ProxyRequest[]
}

/** How the proxy answers. */
export interface ConnectProxyOptions {
  /** Where everything leads to, `127.0.0.1:<port>`. */
  readonly upstream: string
  /** `user:password` that it wants. */
  readonly credentials?: string
  /** Answers nothing. */
  readonly silent?: boolean
  /** Answers CONNECT with this in place of 200. */
  readonly status?: number
}

export async function startConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const [host = '', port = ''] = options.upstream.split(':')
  const requests: ProxyRequest[] = []
  const sockets = new Set<Socket>()
  const isAllowed = (request: IncomingMessage): boolean => {
    const authorization = request.headers['proxy-authorization']
    requests.push({ line: `${request.method} ${request.url}`, authorization })
    const wanted = options.credentials && `Basic ${Buffer.from(options.credentials).toString('base64')}`
    return wanted === undefined || authorization === wanted
  }
  const server = createServer((request, response) => {
    if (!isAllowed(request)) return void response.writeHead(407).end()
    const { pathname, search } = new URL(request.url ?? '')
    const { 'proxy-authorization': _own, ...headers } = request.headers
    const onward = httpRequest({ host, port, path: pathname + search, method: request.method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.on('connect', (request, socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const allowed = isAllowed(request)
    if (options.silent) return
    if (!allowed) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    if (options.status !== undefined) return void socket.end(`HTTP/1.1 ${options.status} No\r\n\r\n`)
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(socket)
      socket.pipe(onward)
    })
    sockets.add(onward)
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo // a TCP server has one
  return {
    host: `127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}
