import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthEnvironment } from '../../../src/registry-auth/environment.js'

/** A user of the docker CLI: a home, and programs of their own. */
export interface Home extends AsyncDisposable {
  readonly folder: string
  /** The docker CLI's file. */
  readonly config: string
  readonly environment: AuthEnvironment
  writeConfig(content: unknown): Promise<void>
  /** A credential helper: a shell script. `$1` is the verb. There are no others: the machine's own are not seen. */
  helper(name: string, script: string): Promise<void>
}

export async function makeHome(env: Readonly<Record<string, string>> = {}): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-home-'))
  const programs = join(folder, 'bin')
  const config = join(folder, '.docker', 'config.json')
  await mkdir(programs)
  return {
    folder,
    config,
    environment: { homedir: folder, env: { PATH: programs, ...env } },
    async writeConfig(content) {
      await mkdir(join(folder, '.docker'), { recursive: true })
      await writeFile(config, typeof content === 'string' ? content : JSON.stringify(content))
    },
    async helper(name, script) {
      const path = join(programs, `docker-credential-${name}`)
      await writeFile(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`)
      await chmod(path, 0o755)
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true })
  }
}

/** A helper that keeps one server in a file beside it. It cannot list. */
export const keepingHelper = `store="$0.kept"
case "$1" in
  store) cat > "$store" ;;
  get) grep -qF "$(cat)" "$store" 2>/dev/null && cat "$store" || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) rm -f "$store" ;;
  *) echo "Unknown credential action \\"$1\\""; exit 1 ;;
esac`
