// npm run check: everything that is fast. Needs neither root nor a network.
import { ensureBuild } from './lib/build.mjs'
import { runChecks } from './lib/checks.mjs'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { Tally } from './lib/tally.mjs'
import { runVitest } from './lib/vitest.mjs'

const tally = new Tally()
try {
  await ensureNpmPackages(console.log)
  await ensureBuild(console.log)
  await runChecks(tally)
  await runVitest(['unit', 'package'], tally)
} catch (error) {
  console.log(error.message)
  tally.add({ name: 'preparing the checks', passed: false, seconds: 0 })
}
process.exitCode = tally.close()
