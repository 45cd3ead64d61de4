import { defineConfig } from 'tsup'

export default defineConfig({
  // index and api are what users import; the two threads are loaded by path (runtime/host/worker-file.ts).
  entry: {
    index: 'src/index.ts',
    api: 'src/api/index.ts',
    'launcher-thread': 'runtime/host/launcher-thread.ts',
    'unpack-thread': 'runtime/layers/unpack-thread.ts'
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  splitting: true,
  sourcemap: true,
  clean: true,
  shims: true,
  dts: { entry: { index: 'src/index.ts', api: 'src/api/index.ts' } }
})
