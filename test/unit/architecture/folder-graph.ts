/**
 * Who may import whom: each folder names the folders it may import from, itself apart. A folder that is not listed here
 * fails the test, so adding one is a decision made in this file.
 */
export interface FolderRule {
  readonly from: readonly string[]
  /** What may be imported by a dynamic `import()`, loaded when first used, or for its types, which are erased; in no other way. */
  readonly lazily?: readonly string[]
}

/** A folder's name stands for the files in it and below it, up to the next listed folder. */
export type FolderGraph = Readonly<Record<string, FolderRule>>

const ground = ['src/errors', 'src/util']

/** What the runtime's folders may import of `src`; `api` where a type of the contract is kept or handed on as it is. */
const contract = ['src/api', ...ground]

/** The folder graph of this package, each side from low to high. */
export const folderGraph: FolderGraph = {
  'src/errors': { from: [] },
  'src/util': { from: ['src/errors'] },
  'src/api': { from: ground },
  'src/transport': { from: contract },
  'src/transport/http': { from: ['src/transport', ...contract] },
  'src/transport/locate': { from: ['src/transport', 'src/transport/http', ...contract] },
  // The only way from src to runtime, and only when first used: src runs wherever Node runs.
  'src/transport/in-process': { from: ['src/transport', ...contract], lazily: ['runtime', 'runtime/registry', 'runtime/registry-server'] },
  // The docker CLI's credentials, and its helpers.
  'src/registry-auth': { from: ground },
  // Private keys, and what cosign signs with them.
  'src/signing': { from: ground },
  'src/engine': {
    from: ['src/transport', 'src/transport/locate', 'src/registry-auth', 'src/signing', ...contract],
    lazily: ['src/transport/http', 'src/transport/in-process']
  },
  // The command: nothing of it is loaded by the package.
  'src/cli': { from: ['src/transport', 'src/transport/in-process', 'src/registry-auth', ...contract] },
  // The program that removes what a killed process has left on an engine elsewhere.
  'src/session-watch': { from: ['src/engine', 'src/transport', 'src/transport/http', ...contract] },
  src: { from: ['src/engine', 'src/transport', ...contract] },

  'runtime/host': { from: ground },
  'runtime/settings': { from: contract },
  'runtime/metadata': { from: ground },
  'runtime/events': { from: contract },
  'runtime/registry': { from: ground },
  // Of the contract: a policy, as it is given and kept; of signing: what cosign calls its payload.
  'runtime/trust': { from: ['runtime/registry', 'src/signing', ...contract] },
  // Of the registry: what a digest is.
  'runtime/content': { from: ['runtime/host', 'runtime/metadata', 'runtime/registry', ...ground] },
  'runtime/layers': { from: ['runtime/host', ...ground] },
  // A container's files in and out, as archives.
  'runtime/archive': { from: ['runtime/host', 'runtime/layers', ...ground] },
  'runtime/snapshots': { from: ['runtime/host', 'runtime/metadata', 'runtime/layers', ...ground] },
  'runtime/networks': { from: ['runtime/host', 'runtime/metadata', ...ground] },
  // Of snapshots: how much a tree takes.
  'runtime/volumes': { from: ['runtime/host', 'runtime/metadata', 'runtime/events', 'runtime/snapshots', ...contract] },
  'runtime/images': {
    from: [
      'runtime/host',
      'runtime/metadata',
      'runtime/content',
      'runtime/layers',
      'runtime/snapshots',
      'runtime/registry',
      'runtime/trust',
      ...contract
    ]
  },
  // A registry of its own, over HTTP: it needs no root, and nothing of the engine.
  'runtime/registry-server': { from: ['runtime/content', 'runtime/registry', ...ground] },
  'runtime/oci': { from: ['runtime/host', 'runtime/images', ...contract] },
  'runtime/supervise': { from: ['runtime/host', ...ground] },
  'runtime/containers': {
    from: [
      'runtime/host',
      'runtime/metadata',
      'runtime/events',
      'runtime/archive',
      'runtime/snapshots',
      'runtime/images',
      'runtime/networks',
      'runtime/volumes',
      'runtime/oci',
      'runtime/supervise',
      'runtime/settings',
      ...contract
    ]
  },
  // Contract shapes in, domain types out.
  'runtime/handlers': {
    from: [
      'runtime/events',
      'runtime/registry',
      'runtime/images',
      'runtime/networks',
      'runtime/volumes',
      'runtime/oci',
      'runtime/containers',
      'runtime/settings',
      'runtime/content',
      ...contract
    ],
    lazily: ['runtime/registry-server']
  },
  // HTTP in front of the handlers: it sees the contract, and nothing behind it.
  'runtime/daemon': { from: contract },
  // The composition root knows everybody.
  runtime: {
    from: [
      'runtime/host',
      'runtime/metadata',
      'runtime/events',
      'runtime/registry',
      'runtime/trust',
      'runtime/content',
      'runtime/layers',
      'runtime/snapshots',
      'runtime/networks',
      'runtime/volumes',
      'runtime/images',
      'runtime/oci',
      'runtime/containers',
      'runtime/supervise',
      'runtime/settings',
      'runtime/handlers',
      'runtime/daemon',
      ...contract
    ],
    lazily: ['runtime/registry-server']
  }
}
