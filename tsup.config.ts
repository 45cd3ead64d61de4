import { defineConfig } from 'tsup'

export default defineConfig({
  // index and api are what users import. The two threads are loaded by path (runtime/host/worker-file.ts), so they keep their
  // names and lie beside the chunk that asks for them.
  entry: {
    index: 'src/index.ts',
    api: 'src/api/index.ts',
    // The command, bin of package.json.
    cli: 'src/cli/main.ts',
    // Loaded by path, by a process that outlives the one it watches.
    'session-watch': 'src/session-watch/main.ts',
    'launcher-thread': 'runtime/host/launcher-thread.ts',
    'unpack-thread': 'runtime/layers/unpack-thread.ts'
  },
  format: ['esm', 'cjs'],
  // The floor of package.json's engines; `using` is lowered for it.
  target: 'node20.19',
  platform: 'node',
  // Without splitting, the dynamic imports that keep the runtime and its native parts unloaded would be inlined.
  splitting: true,
  // tsup leaves out dependencies by itself, but not optional ones.
  external: ['koffi'],
  clean: true,
  // import.meta.url in the CJS files.
  shims: true,
  dts: { entry: { index: 'src/index.ts', api: 'src/api/index.ts' } }
})
