import { posix, win32 } from 'node:path'
import { EngineError } from '../../errors/index.js'
import type { LocatePorts } from './ports.js'
import { readJsonObject } from './read-text.js'

/** Path functions of the platform that the ports describe. */
export function pathOf(ports: LocatePorts): typeof posix {
  return ports.platform === 'win32' ? win32 : posix
}

/** The docker CLI's folder: `DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigFolder(ports: LocatePorts): string {
  return ports.env.DOCKER_CONFIG || pathOf(ports).join(ports.homedir, '.docker')
}

/** The context that `docker context use` chose; undefined for none or the default one. @throws invalid_argument for a malformed file. */
export async function readCurrentContext(ports: LocatePorts): Promise<{ readonly name: string | undefined; readonly file: string }> {
  const file = pathOf(ports).join(dockerConfigFolder(ports), 'config.json')
  const config = await readJsonObject(ports, file)
  const name = config?.currentContext
  if (name !== undefined && typeof name !== 'string') {
    throw new EngineError(
      'invalid_argument',
      `currentContext in ${file} must be a string. Correct it, or run: docker context use default`,
      {
        details: { path: file }
      }
    )
  }
  return { name: name === '' || name === 'default' ? undefined : name, file }
}
