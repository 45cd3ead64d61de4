import { readFileSync } from 'node:fs'

/** A mount of the calling process's namespace. */
export interface MountEntry {
  readonly mountPoint: string
  /** What is mounted below it is handed on to its peers. */
  readonly isShared: boolean
  /** It gets what is mounted below its master. */
  readonly isSlave: boolean
}

/** The mount that an absolute path without links lies on: the last one at the longest prefix. */
export function mountHolding(path: string, table: readonly MountEntry[] = mountTable()): MountEntry | undefined {
  let found: MountEntry | undefined
  for (const entry of table) {
    const { mountPoint } = entry
    const holds = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`)
    if (holds && mountPoint.length >= (found?.mountPoint.length ?? 0)) found = entry
  }
  return found
}

/** Every mount of this process's namespace, in the order they were made. */
export function mountTable(): readonly MountEntry[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'))
}

/** proc_pid_mountinfo(5): the fifth field is the mount point, and tags follow from the seventh on until `-`. */
export function parseMountInfo(text: string): readonly MountEntry[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const fields = line.split(' ')
      const tags = fields.slice(6, fields.indexOf('-', 6))
      return {
        mountPoint: unescapeOctal(fields[4] ?? ''),
        isShared: tags.some(tag => tag.startsWith('shared:')),
        isSlave: tags.some(tag => tag.startsWith('master:'))
      }
    })
}

/** The kernel writes spaces, tabs, line feeds and backslashes as `\040` and the like. */
function unescapeOctal(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
