// npm run quickstart [-- IMAGE]: on a machine that has Node and nothing else, install what is missing, build, and run
// examples/quickstart.ts.
import { spawnSync } from 'node:child_process'
import { ensureBuild } from './lib/build.mjs'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { ensureSystemPrograms } from './lib/system-packages.mjs'
import { transpile } from './lib/transpile.mjs'

const say = line => console.error(`  ${line}`)

/** What the in-process runtime drives. */
const programs = [
  { command: 'crun', debianPackage: 'crun' },
  { command: 'ip', debianPackage: 'iproute2' },
  { command: 'nft', debianPackage: 'nftables' },
  // The program proves that the library it is made of is there: libisal2, with which layers take less time.
  { command: 'igzip', debianPackage: 'isal', isOptional: true }
]

try {
  await ensureNpmPackages(say)
  const { missing, advice } = await ensureSystemPrograms(programs, say)
  if (advice !== undefined) {
    say(`To run containers on this machine it needs ${missing.map(program => program.command).join(', ')}:`)
    say(`  ${advice}`)
    say('A Docker or Podman daemon that is found is used instead.')
  }
  await ensureBuild(say, { withTypes: false })
} catch (error) {
  say(error.message)
  process.exit(1)
}
const { status } = spawnSync(process.execPath, [await transpile('examples/quickstart.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = status ?? 1
