import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './root.mjs'

/**
 * Turn one TypeScript program of the checkout into a plain .mjs in `.cache`, its relative imports bundled in, packages left
 * alone: `gantry` then means what a user's program gets, the built package in dist.
 *
 * @param {string} file relative to the checkout
 * @returns {Promise<string>} the absolute path of the program
 */
export async function transpile(file) {
  const { build } = await import('esbuild')
  const outfile = path.join(root, '.cache', file.replace(/\.ts$/, '.mjs'))
  await build({
    entryPoints: [path.join(root, file)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    // Without this, esbuild would follow tsconfig.json's paths and bundle src/ in place of the built package.
    tsconfigRaw: {},
    logLevel: 'warning'
  })
  return outfile
}

/** Transpile a module of the checkout and import it. */
export async function importTypeScript(file) {
  return import(pathToFileURL(await transpile(file)).href)
}
