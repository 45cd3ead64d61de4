/** Counts what passed, failed and was skipped across several runs, and says so at the end. */
export class Tally {
  #passed = 0
  /** @type {string[]} */
  #failed = []
  /** @type {{ name: string, reason: string }[]} */
  #skipped = []

  /** One check that is not a vitest test. */
  add({ name, passed, seconds }) {
    if (passed) this.#passed += 1
    else this.#failed.push(name)
    console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name} (${seconds.toFixed(1)} s)`)
  }

  /** What one run of vitest came to: see tally-reporter.mjs. */
  addRun({ passed, failed, skipped }) {
    this.#passed += passed
    this.#failed.push(...failed)
    this.#skipped.push(...skipped)
  }

  /** Print the summary, its last line alone in the form `N passed, N failed, N skipped`. Returns the exit code. */
  close() {
    if (this.#skipped.length > 0) {
      console.log('\nskipped:')
      for (const { name, reason } of this.#skipped) console.log(`  ${name}${reason === '' ? '' : `\n    ${reason}`}`)
    }
    if (this.#failed.length > 0) {
      console.log('\nfailed:')
      for (const name of this.#failed) console.log(`  ${name}`)
    }
    console.log(`\n${this.#passed} passed, ${this.#failed.length} failed, ${this.#skipped.length} skipped`)
    return this.#failed.length > 0 || this.#passed === 0 ? 1 : 0
  }
}
