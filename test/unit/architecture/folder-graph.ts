/**
 * Who may import whom: each folder names the folders it may import from, itself apart. A folder that is not listed here
 * fails the test, so adding one is a decision made in this file. `lazily` lists what may be imported only by a dynamic
 * `import()`, loaded when first used.
 */
export interface FolderRule {
  readonly from: readonly string[]
  readonly lazily?: readonly string[]
}

/** A folder's name stands for the files in it and below it, up to the next listed folder. */
export type FolderGraph = Readonly<Record<string, FolderRule>>

// The runtime's own order, low to high: a folder knows only the ones before it.
const ground = ['src/errors', 'src/util']

/** The folder graph of this package. */
export const folderGraph: FolderGraph = {
  'src/errors': { from: [] },
  'src/util': { from: ['src/errors'] },
  'src/api': { from: ground },
  'src/transport': { from: ['src/api', ...ground], lazily: ['src/transport/http', 'src/transport/in-process'] },
  'src/transport/http': { from: ['src/transport', 'src/api', ...ground] },
  // The only way from src to runtime, and only when first used: src runs wherever Node runs.
  'src/transport/in-process': { from: ['src/transport', 'src/api', ...ground], lazily: ['runtime'] },
  'src/engine': { from: ['src/transport', 'src/api', ...ground] },
  src: { from: ['src/engine', 'src/transport', 'src/api', ...ground] },

  'runtime/host': { from: ground },
  'runtime/metadata': { from: ground },
  'runtime/content': { from: ['runtime/host', 'runtime/metadata', ...ground] },
  'runtime/layers': { from: ['runtime/host', ...ground] },
  'runtime/snapshots': { from: ['runtime/host', 'runtime/metadata', 'runtime/layers', ...ground] },
  'runtime/registry': { from: ground },
  'runtime/images': {
    from: ['runtime/host', 'runtime/metadata', 'runtime/content', 'runtime/layers', 'runtime/snapshots', 'runtime/registry', ...ground]
  },
  'runtime/networks': { from: ['runtime/host', 'runtime/metadata', ...ground] },
  'runtime/oci': { from: ['runtime/host', 'runtime/images', ...ground] },
  'runtime/containers': {
    from: ['runtime/host', 'runtime/metadata', 'runtime/snapshots', 'runtime/images', 'runtime/networks', 'runtime/oci', ...ground]
  },
  // Contract shapes in, domain types out: the only part of the runtime that reads Docker's spelling.
  'runtime/handlers': {
    from: ['runtime/containers', 'runtime/images', 'runtime/networks', 'runtime/snapshots', 'runtime/oci', 'src/api', ...ground]
  },
  runtime: {
    from: [
      'runtime/host',
      'runtime/metadata',
      'runtime/content',
      'runtime/layers',
      'runtime/snapshots',
      'runtime/registry',
      'runtime/images',
      'runtime/networks',
      'runtime/oci',
      'runtime/containers',
      'runtime/handlers',
      'src/api',
      ...ground
    ]
  }
}
