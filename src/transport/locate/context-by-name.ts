import { readContext } from './context-store.js'
import { readCurrentContext } from './docker-config.js'
import { dockerHost } from './docker-host.js'
import type { Located } from './located.js'
import type { LocatePorts } from './ports.js'
import type { Strategy } from './strategy.js'

/** The `context` option of `createEngine`. */
export const optionContext: Strategy = async (ports, options) =>
  options.context === undefined ? [] : [await named(ports, options.context, 'option context')]

/** The variable `DOCKER_CONTEXT`. */
export const dockerContext: Strategy = async ports => {
  const name = ports.env.DOCKER_CONTEXT
  return [name ? await named(ports, name, 'DOCKER_CONTEXT') : { name: 'DOCKER_CONTEXT', explicit: false, skipped: 'not set' }]
}

/** The context that `docker context use` wrote into the docker CLI's config.json. */
export const currentContext: Strategy = async ports => {
  const { name, file } = await readCurrentContext(ports)
  if (name === undefined) return [{ name: 'docker context', explicit: false, skipped: `no currentContext in ${file}` }]
  const found = await named(ports, name, `currentContext in ${file}`)
  return [{ ...found, fix: 'start what the context points at, or choose another with: docker context use default' }]
}

async function named(ports: LocatePorts, name: string, askedBy: string): Promise<Located> {
  const label = `context ${name} (${askedBy})`
  if (name !== 'default') return { name: label, explicit: true, ...(await readContext(ports, name, askedBy)) }
  // Docker's "default" is no stored context: it stands for the environment, else the platform's own socket.
  const [environment] = await dockerHost(ports, {})
  if (environment?.endpoint !== undefined) return { ...environment, name: label }
  return {
    name: label,
    explicit: true,
    endpoint: ports.platform === 'win32' ? 'npipe:////./pipe/docker_engine' : 'unix:///var/run/docker.sock'
  }
}
