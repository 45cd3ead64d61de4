import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where this process's user keeps registry credentials. */
export interface AuthEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homedir: string
}

/** That of this process. */
export function processEnvironment(): AuthEnvironment {
  return { env: process.env, homedir: homedir() }
}

/** The docker CLI's file: in `DOCKER_CONFIG`, else in `~/.docker`. */
export function dockerConfigPath({ env, homedir: home }: AuthEnvironment): string {
  return join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json')
}
