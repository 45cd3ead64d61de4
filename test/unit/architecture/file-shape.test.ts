import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { sourceFiles } from './import-graph.js'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const files = ['src', 'runtime'].flatMap(folder => sourceFiles(root, folder))

/** Files that are one table each: data, not code, and clearer whole. */
const tables: readonly string[] = []

/** The published entry points: nowhere else is there an index.ts, so that a name says where it comes from. */
const entryPoints = ['src/index.ts', 'src/api/index.ts', 'src/errors/index.ts', 'runtime/index.ts']

describe('every file of src and runtime', () => {
  it('is under 500 lines, tables apart', () => {
    const long = files.filter(file => !tables.includes(file) && lines(file) >= 500).map(file => `${file}: ${lines(file)} lines`)
    expect(long).toEqual([])
  })

  it('has a kebab-case name', () => {
    expect(files.filter(file => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file))).toEqual([])
  })

  it('is an index.ts only where the package has an entry point', () => {
    expect(files.filter(file => path.basename(file) === 'index.ts' && !entryPoints.includes(file))).toEqual([])
  })
})

it('the table list names only files that are there and are long', () => {
  expect(tables.filter(file => !files.includes(file) || lines(file) < 500)).toEqual([])
})

function lines(file: string): number {
  return readFileSync(path.join(root, file), 'utf8').split('\n').length
}
