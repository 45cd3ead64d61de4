import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { type RunningProgram, startProgram, untilReady } from './programs.js'

/** A registry of the lab: Debian's docker-registry on a loopback port. */
export interface LabRegistry {
  /** `127.0.0.1:<port>`, as image references begin. */
  readonly address: string
  /** Where its blobs are; a second registry process may serve the same folder. */
  readonly storage: string
  readonly program: RunningProgram
}

/** Who a registry lets in, and how. Paths of files. */
export interface RegistrySecurity {
  /** Users, with bcrypt hashes. */
  readonly htpasswd?: string
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientAuthority?: string }
}

/** Start a registry on a free loopback port, its data below `folder`. */
export async function startRegistry(binary: string, folder: string, security: RegistrySecurity = {}): Promise<LabRegistry> {
  const storage = join(folder, 'registry')
  await mkdir(storage, { recursive: true })
  for (let attempt = 1; ; attempt++) {
    const address = `127.0.0.1:${await freePort()}`
    try {
      const program = await serve({ binary, folder, storage, address, prefix: [], name: 'registry', security })
      await untilReady(program, () => answers(address))
      return { address, storage, program }
    } catch (error) {
      // Somebody else may have taken the port in between.
      if (attempt === 3) throw error
    }
  }
}

/** Serve the same storage under the same address inside another network namespace, so one reference names one image in both. */
export async function serveInNamespace(
  binary: string,
  folder: string,
  registry: LabRegistry,
  namespacePath: string,
  security: RegistrySecurity = {}
): Promise<RunningProgram> {
  const prefix = ['nsenter', `--net=${namespacePath}`]
  return serve({ binary, folder, storage: registry.storage, address: registry.address, prefix, name: 'registry-inside', security })
}

interface ServeOptions {
  readonly binary: string
  readonly folder: string
  readonly storage: string
  readonly address: string
  readonly prefix: readonly string[]
  readonly name: string
  readonly security: RegistrySecurity
}

async function serve(options: ServeOptions): Promise<RunningProgram> {
  const configuration = join(options.folder, `${options.name}.yml`)
  const { htpasswd, tls } = options.security
  const authorities = tls?.clientAuthority === undefined ? [] : [tls.clientAuthority]
  const tlsSettings = tls && { certificate: tls.certificate, key: tls.key, ...(authorities.length > 0 && { clientcas: authorities }) }
  await writeFile(
    configuration,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      'storage:',
      `  filesystem: { rootdirectory: ${JSON.stringify(options.storage)} }`,
      '  delete: { enabled: true }',
      '  maintenance: { uploadpurging: { enabled: false } }',
      // JSON is YAML.
      `http: ${JSON.stringify({ addr: options.address, secret: 'lab', ...(tlsSettings && { tls: tlsSettings }) })}`,
      ...(htpasswd === undefined ? [] : [`auth: ${JSON.stringify({ htpasswd: { realm: 'lab', path: htpasswd } })}`]),
      ''
    ].join('\n')
  )
  return startProgram(
    options.name,
    [...options.prefix, options.binary, 'serve', configuration],
    join(options.folder, `${options.name}.log`)
  )
}

/** Whether somebody speaks there, whatever they say. */
function answers(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':')
  return new Promise(resolve => {
    const socket = connect({ host, port: Number(port) }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A loopback port that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
