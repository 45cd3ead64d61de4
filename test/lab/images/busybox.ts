import { readFile } from 'node:fs/promises'
import { run } from '../programs.js'
import type { ImageSettings } from './image.js'
import { type Layer, type LayerEntry, makeLayer } from './layer.js'

/** How the busybox image runs when nothing else is said. */
export const busyboxSettings: ImageSettings = { Cmd: ['sh'] }

const passwd = ['root:x:0:0:root:/root:/bin/sh', 'daemon:x:1:1:daemon:/usr/sbin:/bin/false', 'app:x:1000:1000:app:/home/app:/bin/sh', '']
const group = ['root:x:0:', 'daemon:x:1:', 'staff:x:50:', 'app:x:1000:', 'extra:x:2000:app', '']

/**
 * The one layer of the busybox image: a static busybox with a link for each applet, and users: `root`, `daemon`,
 * `app` (1000:1000, also in `extra`, 2000).
 */
export async function busyboxLayer(busybox: string): Promise<Layer> {
  const applets = (await run([busybox, '--list'])).split('\n').filter(name => name !== '' && name !== 'busybox')
  const folders = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'usr', 'usr/bin', 'usr/sbin', 'var', 'var/tmp']
  const entries: LayerEntry[] = [
    ...folders.map((path): LayerEntry => ({ kind: 'folder', path, mode: modeOf(path) })),
    { kind: 'folder', path: 'home/app', uid: 1000, gid: 1000 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, content: await readFile(busybox) },
    ...applets.map((name): LayerEntry => ({ kind: 'symlink', path: `bin/${name}`, to: 'busybox' })),
    { kind: 'file', path: 'etc/passwd', content: passwd.join('\n') },
    { kind: 'file', path: 'etc/group', content: group.join('\n') },
    // Not executable, and not a program: what exit code 126 is about.
    { kind: 'file', path: 'etc/not-a-program', mode: 0o644, content: 'plain text\n' }
  ]
  return makeLayer(entries)
}

function modeOf(path: string): number {
  if (path === 'root') return 0o700
  return path === 'tmp' || path === 'var/tmp' ? 0o1777 : 0o755
}
