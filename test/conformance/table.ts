import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What became of one behaviour on one subject. */
export interface Row {
  readonly theme: string
  readonly behaviour: string
  readonly subject: string
  readonly outcome: 'pass' | 'fail' | 'skip'
  /** Why it failed or was skipped. */
  readonly reason?: string
}

// Test files run in processes of their own; each appends to a file of its own.
const folder = fileURLToPath(new URL('../../.cache/conformance/', import.meta.url))

/** Note an outcome; a later one of the same behaviour replaces it. */
export function record(row: Row): void {
  mkdirSync(folder, { recursive: true })
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(row)}\n`)
}

/** Set where several runs of vitest share the suite: then whoever started them forgets and prints. */
const isShared = process.env.GANTRY_CONFORMANCE_SHARED !== undefined

/** Vitest's global setup for the conformance project: forget the last run. */
export function setup(): void {
  if (!isShared) forget(folder)
}

/** Vitest's global teardown: print behaviour by transport. */
export function teardown(): void {
  if (!isShared) print(folder)
}

/** Forget what was recorded. */
export function forget(recorded: string): void {
  rmSync(recorded, { recursive: true, force: true })
}

/** Print what was recorded, behaviour by transport, and keep it in `conformance.json` beside the folder. */
export function print(recorded: string): void {
  const rows = readRows(recorded)
  if (rows.length === 0) return
  writeFileSync(join(recorded, '..', 'conformance.json'), JSON.stringify(rows, null, 2))
  console.log(`\n${format(rows)}\n`)
}

function readRows(recorded: string): Row[] {
  const byKey = new Map<string, Row>()
  for (const file of list(recorded)) {
    for (const line of readFileSync(join(recorded, file), 'utf8').split('\n')) {
      if (line === '') continue
      // Written by `record`.
      const row = JSON.parse(line) as Row
      byKey.set(JSON.stringify([row.theme, row.behaviour, row.subject]), row)
    }
  }
  return [...byKey.values()]
}

function list(recorded: string): string[] {
  try {
    return readdirSync(recorded).filter(name => name.endsWith('.jsonl'))
  } catch {
    return []
  }
}

/** The rows as a table for people: themes in order of the alphabet, a line for each behaviour, a column for each subject. */
export function format(rows: readonly Row[]): string {
  const subjects = [...new Set(rows.map(row => row.subject))]
  const themes = [...new Set(rows.map(row => row.theme))].sort()
  const width = Math.max(...rows.map(row => row.behaviour.length)) + 4
  const columns = (cells: readonly string[]): string => cells.map((cell, index) => cell.padEnd((subjects[index] ?? '').length + 2)).join('')
  const lines = [`${'behaviour'.padEnd(width)}${columns(subjects)}`]
  for (const theme of themes) {
    lines.push(theme)
    const inTheme = rows.filter(row => row.theme === theme)
    for (const behaviour of new Set(inTheme.map(row => row.behaviour))) {
      const cells = subjects.map(subject => inTheme.find(row => row.behaviour === behaviour && row.subject === subject)?.outcome ?? '-')
      lines.push(`  ${behaviour.padEnd(width - 2)}${columns(cells)}`.trimEnd())
    }
  }
  const totals = subjects.map(subject => {
    const own = rows.filter(row => row.subject === subject)
    const count = (outcome: Row['outcome']): number => own.filter(row => row.outcome === outcome).length
    return `${subject}: ${count('pass')} of ${own.length} pass, ${count('fail')} fail, ${count('skip')} skipped`
  })
  return [...lines, '', ...totals].join('\n')
}
