import type { FolderGraph } from './folder-graph.js'
import type { Import } from './import-graph.js'

/** What breaks the folder graph, one sentence each, with the place. */
export function importViolations(graph: FolderGraph, imports: readonly Import[]): string[] {
  return imports.flatMap(found => {
    const from = folderOf(graph, found.from)
    const to = folderOf(graph, found.to)
    const place = `${found.from}:${found.line}`
    if (from === undefined) return [`${place}: no rule for the folder of ${found.from}`]
    if (to === undefined) return [`${place}: no rule for the folder of ${found.to}`]
    if (from === to) return []
    const rule = graph[from]
    if (rule?.from.includes(to)) return []
    if (rule?.lazily?.includes(to)) return found.kind === 'static' ? [`${place}: ${from} may import ${to} only by a dynamic import()`] : []
    return [`${place}: ${from} may not import ${to} (${found.to})`]
  })
}

/** The listed folder nearest above a file; undefined when no listed folder holds it. */
function folderOf(graph: FolderGraph, file: string): string | undefined {
  const parts = file.split('/')
  for (let depth = parts.length - 1; depth > 0; depth -= 1) {
    const folder = parts.slice(0, depth).join('/')
    if (folder in graph) return folder
  }
  return undefined
}

/** Every import cycle that a depth-first walk meets, as the files on it: type imports and dynamic ones count too. */
export function importCycles(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>()
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to])
  const cycles: string[][] = []
  const done = new Set<string>()
  const trail: string[] = []
  const walk = (file: string): void => {
    const start = trail.indexOf(file)
    if (start !== -1) cycles.push([...trail.slice(start), file])
    if (start !== -1 || done.has(file)) return
    trail.push(file)
    for (const target of next.get(file) ?? []) walk(target)
    trail.pop()
    done.add(file)
  }
  for (const file of next.keys()) walk(file)
  return cycles
}

/** Whether the folder graph is itself free of cycles: the files could obey it and still be a knot otherwise. */
export function folderCycles(graph: FolderGraph): string[][] {
  const edges = Object.entries(graph).flatMap(([from, rule]) =>
    [...rule.from, ...(rule.lazily ?? [])].map(to => ({ from, to, kind: 'static' as const, line: 0 }))
  )
  return importCycles(edges)
}
