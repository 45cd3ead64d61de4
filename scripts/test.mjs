// npm test: installs what is missing, builds, then checks and tests everything. A fresh clone needs Node and nothing else.
// The last line of the output is `N passed, N failed, N skipped`.
import { ensureBuild } from './lib/build.mjs'
import { runChecks } from './lib/checks.mjs'
import { hostState } from './lib/host-state.mjs'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { ensureSystemPrograms } from './lib/system-packages.mjs'
import { Tally } from './lib/tally.mjs'
import { importTypeScript } from './lib/transpile.mjs'
import { runVitest } from './lib/vitest.mjs'

const tally = new Tally()
await ensureNpmPackages(console.log)
const { parts } = await importTypeScript('test/lab/parts.ts')
const { missing, advice } = await ensureSystemPrograms(parts, console.log)
if (missing.length > 0) {
  console.log(`not installed: ${missing.map(part => part.command).join(', ')}; tests that need them are skipped`)
  if (advice !== undefined) console.log(`to run them too: ${advice}`)
}

await runChecks(tally)
await runVitest('unit', tally)
await ensureBuild(console.log)
await runVitest('package', tally)

const before = new Set(await hostState())
await runVitest('integration', tally)
await runVitest('conformance', tally)
reportLeftovers(await settled(before))
process.exitCode = tally.close()

/** What is there now and was not before; the kernel takes a moment to free namespaces and cgroups, so ask a few times. */
async function settled(known) {
  for (let attempt = 1; ; attempt += 1) {
    const left = (await hostState()).filter(line => !known.has(line))
    if (left.length === 0 || attempt === 20) return left
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}

function reportLeftovers(left) {
  for (const line of left) console.log(`left behind: ${line}`)
  tally.add({ name: 'nothing is left on this machine by the tests', passed: left.length === 0, seconds: 0 })
}
