import { writeFileSync } from 'node:fs'

/**
 * A vitest reporter that writes what a run came to, as JSON, to the file named by GANTRY_TALLY_FILE:
 * `{ passed: number, failed: string[], skipped: { name, reason }[] }`.
 *
 * A file that does not load, a hook that fails and an error outside any test each count as a failure of their own.
 */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: [], skipped: [] }
    for (const module of modules) {
      const file = module.relativeModuleId
      if (module.errors().length > 0) tally.failed.push(`${file} (the file itself)`)
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) tally.failed.push(`${file} > ${suite.fullName} (its hooks)`)
      }
      for (const test of module.children.allTests()) {
        const name = `${file} > ${test.fullName}`
        const result = test.result()
        if (result.state === 'passed') tally.passed += 1
        else if (result.state === 'failed') tally.failed.push(name)
        else tally.skipped.push({ name, reason: result.note ?? '' })
      }
    }
    for (const error of unhandledErrors) tally.failed.push(`outside any test: ${error.message}`)
    writeFileSync(process.env.GANTRY_TALLY_FILE, JSON.stringify(tally))
  }
}
