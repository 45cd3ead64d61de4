import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type InstalledPackage, installPackedPackage, root } from './installed-package.js'

const execute = promisify(execFile)

let installed: InstalledPackage
beforeAll(async () => {
  installed = await installPackedPackage()
})
afterAll(() => installed?.remove())

it('publint finds nothing to say about the package', async () => {
  const pkgDir = path.join(installed.project, 'node_modules/gantry')
  const manifest = JSON.parse(readFileSync(path.join(pkgDir, 'package.json'), 'utf8'))
  const { messages } = await publint({ pkgDir, strict: true })
  expect(messages.map(message => formatMessage(message, manifest))).toEqual([])
})

it('types resolve right for every importer that Node 20 has', async () => {
  // The profile leaves out TypeScript's "node10" resolution, which knows no exports map: it would need a file api.d.ts in
  // the package's root, for compilers that cannot target the Node versions that we support.
  const attw = path.join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  const checked = execute(process.execPath, [attw, installed.tarball, '--profile', 'node16', '--format', 'ascii', '--no-emoji'])
  // Its exit code is the answer; what it prints is for people.
  expect(
    await checked.then(
      () => 'no problem',
      (error: { stdout: string }) => error.stdout
    )
  ).toBe('no problem')
})

it('a strict TypeScript user compiles against it as ESM and as CJS, and is refused what is not there', async () => {
  const use = `
    import { createEngine, EngineError } from 'gantry'
    export async function kernel(): Promise<string> {
      const engine = await createEngine({ transport: 'in-process' })
      try {
        return await engine.image('busybox').run(['uname', '-r']).text()
      } catch (error) {
        if (EngineError.is(error)) return error.code
        throw error
      } finally {
        await engine.close()
      }
    }`
  const misuse = `
    import { createEngine } from 'gantry'
    const engine = await createEngine()
    // @ts-expect-error a terminal has no separate stderr
    engine.image('x').run(['a'], { tty: true }).stderr
    // @ts-expect-error a process with pipes has no terminal
    engine.image('x').run(['a']).terminal
    // @ts-expect-error no such event
    engine.on('container.exploded', () => {})`
  for (const [name, program] of Object.entries({ 'use.mts': use, 'use.cts': use, 'misuse.mts': misuse })) {
    writeFileSync(path.join(installed.project, name), program)
  }
  expect(await compile(['--module', 'NodeNext', 'use.mts', 'use.cts', 'misuse.mts'])).toBe('')
})

/** tsc's complaints, its libraries checked too: our own .d.ts files must stand on their own. */
async function compile(rest: readonly string[]): Promise<string> {
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'ES2022', '--lib', 'ES2023,ESNext.Disposable']
  return execute(process.execPath, [tsc, ...options, '--types', 'node', ...rest], { cwd: installed.project }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? String(error)
  )
}
