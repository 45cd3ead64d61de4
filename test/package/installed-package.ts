import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** A project in a temporary folder that has the packed package installed, as a user's would. */
export interface InstalledPackage {
  /** The project's folder. */
  readonly project: string
  /** The packed tarball. */
  readonly tarball: string
  /** What npm says of the tarball. */
  readonly packed: PackedTarball
  /** Write a program into the project and run it with this Node. */
  run(name: string, program: string, nodeArguments?: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }>
  remove(): void
}

/** The part of `npm pack --json` that tests read. */
export interface PackedTarball {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/**
 * Pack dist and install the tarball. Needs no registry: the tarball is unpacked where npm would put it, and the packages
 * it declares, no others, are linked beside it. An import of anything undeclared fails.
 */
export async function installPackedPackage(): Promise<InstalledPackage> {
  if (!existsSync(path.join(root, 'dist/index.js'))) throw new Error('there is no dist: npm run build first')
  const project = mkdtempSync(path.join(tmpdir(), 'gantry-package-'))
  try {
    const packed = await pack(project)
    const tarball = path.join(project, packed.filename)
    const modules = path.join(project, 'node_modules')
    mkdirSync(path.join(modules, 'gantry'), { recursive: true })
    await execute('tar', ['-xzf', tarball, '-C', path.join(modules, 'gantry'), '--strip-components=1'])
    for (const name of declaredPackages()) link(modules, name)
    writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, version: '1.0.0' }))
    return {
      project,
      tarball,
      packed,
      async run(name, program, nodeArguments = []) {
        writeFileSync(path.join(project, name), program)
        return execute(process.execPath, [...nodeArguments, name], { cwd: project, timeout: 60_000 })
      },
      remove: () => rmSync(project, { recursive: true, force: true })
    }
  } catch (error) {
    rmSync(project, { recursive: true, force: true })
    throw error
  }
}

async function pack(destination: string): Promise<PackedTarball> {
  const npm = process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath]
  const [program = 'npm', ...rest] = npm
  const { stdout } = await execute(program, [...rest, 'pack', '--ignore-scripts', '--json', '--pack-destination', destination], {
    cwd: root
  })
  // npm's own documented shape: one entry per packed package.
  const [packed] = JSON.parse(stdout) as PackedTarball[]
  if (packed === undefined) throw new Error('npm pack packed nothing')
  return packed
}

/** Dependencies of the package, plus what a TypeScript user has besides. */
function declaredPackages(): string[] {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies), '@types/node']
}

function link(modules: string, name: string): void {
  const target = path.join(root, 'node_modules', name)
  if (!existsSync(target)) return // An optional dependency that does not exist for this platform.
  mkdirSync(path.dirname(path.join(modules, name)), { recursive: true })
  symlinkSync(target, path.join(modules, name))
}
