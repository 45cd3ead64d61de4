import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type FolderGraph, folderGraph } from './folder-graph.js'
import { type Import, importsIn, importsOf, sourceFiles } from './import-graph.js'
import { folderCycles, importCycles, importViolations } from './import-violations.js'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

describe('the imports of src and runtime', () => {
  const files = ['src', 'runtime'].flatMap(folder => sourceFiles(root, folder))
  const imports = files.flatMap(file => importsOf(root, file))

  it('are all found', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(imports.length).toBeGreaterThan(files.length / 2)
  })

  it('name files that exist', () => {
    expect(imports.filter(({ to }) => !files.includes(to))).toEqual([])
  })

  it('obey the folder graph', () => {
    expect(importViolations(folderGraph, imports)).toEqual([])
  })

  it('form no cycle, type imports included', () => {
    expect(importCycles(imports)).toEqual([])
  })
})

it('the folder graph is itself free of cycles', () => {
  expect(folderCycles(folderGraph)).toEqual([])
})

describe('the rules can fail', () => {
  const graph: FolderGraph = { low: { from: [] }, high: { from: ['low'], lazily: ['heavy'] }, heavy: { from: ['low'] } }
  const imports = (file: string, text: string): Import[] => importsIn(file, text)

  it('an import against the graph is named with its file and line', () => {
    expect(importViolations(graph, imports('low/a.ts', "\nimport { b } from '../high/b.js'"))).toEqual([
      'low/a.ts:2: low may not import high (high/b.ts)'
    ])
  })

  it('type imports, re-exports, import types and dynamic imports count', () => {
    const text = [
      "import type { A } from '../high/a.js'",
      "export { b } from '../high/b.js'",
      "type C = import('../high/c.js').C",
      "const d = () => import('../high/d.js')"
    ].join('\n')
    expect(importViolations(graph, imports('low/x.ts', text))).toHaveLength(4)
  })

  it('what is listed as lazy may be imported dynamically or for its types, and no other way', () => {
    expect(importViolations(graph, imports('high/a.ts', "const x = () => import('../heavy/x.js')"))).toEqual([])
    expect(importViolations(graph, imports('high/a.ts', "import type { X } from '../heavy/x.js'"))).toEqual([])
    expect(importViolations(graph, imports('high/a.ts', "import { x } from '../heavy/x.js'"))).toEqual([
      'high/a.ts:1: high may import heavy only by a dynamic import()'
    ])
  })

  it('a folder without a rule is a violation', () => {
    expect(importViolations(graph, imports('high/a.ts', "import { x } from '../new/x.js'"))).toEqual([
      'high/a.ts:1: no rule for the folder of new/x.ts'
    ])
  })

  it('a cycle of three files is found, one of them closed by a type import', () => {
    const cycle = [
      ...imports('low/a.ts', "import { b } from './b.js'"),
      ...imports('low/b.ts', "import { c } from './c.js'"),
      ...imports('low/c.ts', "import type { A } from './a.js'")
    ]
    expect(importCycles(cycle)).toEqual([['low/a.ts', 'low/b.ts', 'low/c.ts', 'low/a.ts']])
  })

  it('a diamond is no cycle', () => {
    const diamond = [
      ...imports('low/a.ts', "import { b } from './b.js'\nimport { c } from './c.js'"),
      ...imports('low/b.ts', "import { d } from './d.js'"),
      ...imports('low/c.ts', "import { d } from './d.js'")
    ]
    expect(importCycles(diamond)).toEqual([])
  })

  it('a graph whose folders need each other is a cycle', () => {
    expect(folderCycles({ a: { from: ['b'] }, b: { from: ['a'] } })).toEqual([['a', 'b', 'a']])
  })
})
