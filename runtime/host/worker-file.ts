import { existsSync } from 'node:fs'

/**
 * Where the built file of a worker thread is: beside the file that starts it, or in the package's `dist` when that one
 * runs from its TypeScript source (tests). Threads are loaded by path, so they are entries of the build.
 *
 * @param importMetaUrl `import.meta.url` of the caller
 * @param name the entry's name, without extension
 */
export function workerFile(importMetaUrl: string, name: string): URL {
  if (!importMetaUrl.endsWith('.ts')) return new URL(`./${name}.js`, importMetaUrl)
  return new URL(`dist/${name}.js`, packageRoot(importMetaUrl))
}

function packageRoot(from: string): URL {
  for (let directory = new URL('./', from); ; directory = new URL('../', directory)) {
    if (existsSync(new URL('package.json', directory)) || directory.pathname === '/') return directory
  }
}
