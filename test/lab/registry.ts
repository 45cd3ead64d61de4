import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
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

/** Start a registry on a free loopback port, its data below `folder`. */
export async function startRegistry(binary: string, folder: string): Promise<LabRegistry> {
  const storage = join(folder, 'registry')
  await mkdir(storage, { recursive: true })
  for (let attempt = 1; ; attempt++) {
    const address = `127.0.0.1:${await freePort()}`
    try {
      const program = await serve({ binary, folder, storage, address, prefix: [], name: 'registry' })
      await untilReady(program, async () => (await fetch(`http://${address}/v2/`)).ok)
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
  namespacePath: string
): Promise<RunningProgram> {
  const prefix = ['nsenter', `--net=${namespacePath}`]
  return serve({ binary, folder, storage: registry.storage, address: registry.address, prefix, name: 'registry-inside' })
}

interface ServeOptions {
  readonly binary: string
  readonly folder: string
  readonly storage: string
  readonly address: string
  readonly prefix: readonly string[]
  readonly name: string
}

async function serve(options: ServeOptions): Promise<RunningProgram> {
  const configuration = join(options.folder, `${options.name}.yml`)
  await writeFile(
    configuration,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      'storage:',
      `  filesystem: { rootdirectory: ${JSON.stringify(options.storage)} }`,
      '  delete: { enabled: true }',
      '  maintenance: { uploadpurging: { enabled: false } }',
      `http: { addr: ${JSON.stringify(options.address)}, secret: lab }`,
      ''
    ].join('\n')
  )
  return startProgram(
    options.name,
    [...options.prefix, options.binary, 'serve', configuration],
    join(options.folder, `${options.name}.log`)
  )
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
