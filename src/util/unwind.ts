/**
 * Undo steps of a construction that may fail half-way, run in reverse order.
 *
 * A failed undo never hides the first error: it is attached to it.
 */
export class Unwind {
  readonly #steps: (() => Promise<unknown> | unknown)[] = []

  /** Remember how to undo what was just done. */
  add(step: () => Promise<unknown> | unknown): void {
    this.#steps.push(step)
  }

  /** Everything stands: forget the undo steps. */
  commit(): void {
    this.#steps.length = 0
  }

  /** Undo everything, latest first, and give back what went wrong meanwhile. Idempotent. */
  async run(): Promise<readonly unknown[]> {
    const failures: unknown[] = []
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    return failures
  }
}
