import { closeSync, constants, openSync } from 'node:fs'
import { EngineError } from '../../src/errors/engine-error.js'
import type { OverlayMount } from './host.js'
import { type Kernel, mountFlags, openPath } from './kernel.js'

/** mount(2) copies one page of options, and the terminating zero counts. */
const optionBytes = 4096

/** What separates paths and options in overlayfs's option string, and its escape, which kernels treat differently. */
const separators = /[:,\\]/

/**
 * Stack layers at `target`, in the calling thread's mount namespace.
 *
 * Where paths are too long together for mount(2), or hold characters that mean something in its options, every directory
 * is opened and named by its descriptor: `lowerdir=21:22:23` from inside `/proc/thread-self/fd` fits some 800 layers.
 *
 * @throws SystemCallError from mount, or of the directory that cannot be opened
 */
export function mountOverlay(kernel: Kernel, mount: OverlayMount, target: string): void {
  const { lower, upper } = mount
  // overlayfs wants something to stack: one directory alone is a bind mount.
  if (lower.length === 0) bindAlone(kernel, upper, target, { readOnly: false })
  else if (lower.length === 1 && upper === undefined) bindAlone(kernel, lower[0], target, { readOnly: true })
  else if (fitsOptions(mount)) kernel.mount({ source: 'overlay', target, type: 'overlay', flags: 0, options: overlayOptions(mount) })
  else mountByDescriptors(kernel, mount, target)
}

function fitsOptions(mount: OverlayMount): boolean {
  const special = [...mount.lower, mount.upper ?? '', mount.work ?? ''].some(path => separators.test(path))
  return !special && Buffer.byteLength(overlayOptions(mount)) < optionBytes
}

/** The option string of overlayfs, with Docker's (the kernel's) defaults for everything else. */
export function overlayOptions({ lower, upper, work }: OverlayMount): string {
  const layers = `lowerdir=${lower.join(':')}`
  return upper === undefined || work === undefined ? layers : `${layers},upperdir=${upper},workdir=${work}`
}

function bindAlone(kernel: Kernel, source: string | undefined, target: string, { readOnly }: { readonly readOnly: boolean }): void {
  if (source === undefined) throw new EngineError('invalid_argument', `nothing to mount at ${target}: no layers were given`)
  kernel.mount({ source, target, type: '', flags: mountFlags.bind, options: '' })
  if (!readOnly) return
  try {
    kernel.mount({ source: '', target, type: '', flags: mountFlags.bind | mountFlags.remount | mountFlags.readOnly, options: '' })
  } catch (error) {
    kernel.unmount(target, 0)
    throw error
  }
}

function mountByDescriptors(kernel: Kernel, { lower, upper, work }: OverlayMount, target: string): void {
  const opened: number[] = []
  const open = (path: string): string => {
    const fd = openSync(path, openPath | constants.O_DIRECTORY)
    opened.push(fd)
    return String(fd)
  }
  try {
    const options = overlayOptions({
      lower: lower.map(open),
      ...(upper === undefined || work === undefined ? {} : { upper: open(upper), work: open(work) })
    })
    kernel.changeDirectory('/proc/thread-self/fd')
    try {
      kernel.mount({ source: 'overlay', target, type: 'overlay', flags: 0, options })
    } finally {
      kernel.changeDirectory('/')
    }
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}
