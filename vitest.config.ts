import { defineConfig } from 'vitest/config'

// Tests that import the package by its name get dist, loaded by Node itself and not through vitest's transform: what is
// tested is what a user installs.
const server = { deps: { external: [/\/dist\//] } }

// One file after the other: they share the machine's bridges, addresses and two cores. The lab starts once for both projects.
const lab = 'test/lab/global-setup.ts'
const wholeMachine = {
  testTimeout: 120_000,
  hookTimeout: 240_000,
  fileParallelism: false,
  server
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/regression/**/*.test.ts'],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 }
        }
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 1 }
        }
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: [lab],
          sequence: { groupOrder: 2 },
          ...wholeMachine
        }
      },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          globalSetup: [lab, 'test/conformance/table.ts'],
          sequence: { groupOrder: 3 },
          ...wholeMachine
        }
      }
    ]
  }
})
