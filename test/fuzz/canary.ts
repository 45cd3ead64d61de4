import { createHash } from 'node:crypto'
import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Files that nobody may touch, as an archive would like to find them. */
export function makeCanary(folder: string): void {
  mkdirSync(path.join(folder, 'folder/inner'), { recursive: true })
  writeFileSync(path.join(folder, 'secret'), 'secret', { mode: 0o600 })
  writeFileSync(path.join(folder, 'folder/inner/f'), 'inner')
  writeFileSync(path.join(folder, 'program'), 'setuid')
  chmodSync(path.join(folder, 'program'), 0o4755)
  linkSync(path.join(folder, 'secret'), path.join(folder, 'folder/twin'))
  symlinkSync('secret', path.join(folder, 'link'))
  for (const name of ['a', 'b', 'c', 'd', 'l', 'f']) writeFileSync(path.join(folder, name), name)
}

/**
 * One line for everything below a folder and the folder itself: what it is, whose, since when (the change time counts links, modes and attributes too), and
 * what is in it.
 */
export function describeTree(folder: string): string {
  const lines: string[] = []
  const visit = (file: string) => {
    const stats = lstatSync(file, { bigint: true })
    const { ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs } = stats
    const content = stats.isFile() ? createHash('sha256').update(readFileSync(file)).digest('hex') : ''
    lines.push([path.relative(folder, file), ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs, content].join(' '))
    if (stats.isDirectory()) for (const name of readdirSync(file).sort()) visit(path.join(file, name))
  }
  visit(folder)
  return lines.join('\n')
}
