// npm run bench: speed and memory beside the peers, as ratios taken in one run. It measures and never judges.
import { spawnSync } from 'node:child_process'
import { ensureBuild } from './lib/build.mjs'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { node } from './lib/run-command.mjs'
import { transpile } from './lib/transpile.mjs'

await ensureNpmPackages(console.error)
await ensureBuild(console.error, { withTypes: false })
const { status } = spawnSync(node, ['--expose-gc', await transpile('test/bench/run.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = status ?? 1
