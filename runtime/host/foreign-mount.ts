import { closeSync, openSync } from 'node:fs'
import { type Kernel, namespaces } from './kernel.js'

/**
 * Put what another process has mounted at a path also at `target` in the calling thread's mount namespace: a copy is made in that process's
 * namespace, because the kernel copies only what it finds in one's own.
 *
 * @throws SystemCallError
 */
export function attachFromProcess(kernel: Kernel, pid: number, path: string, target: string): void {
  const home = openSync('/proc/thread-self/ns/mnt', 'r')
  try {
    const tree = cloneThere(kernel, { home, pid, path })
    try {
      kernel.placeTree(tree, target)
    } finally {
      closeSync(tree)
    }
  } finally {
    closeSync(home)
  }
}

function cloneThere(kernel: Kernel, { home, pid, path }: { readonly home: number; readonly pid: number; readonly path: string }): number {
  const there = openSync(`/proc/${pid}/ns/mnt`, 'r')
  try {
    kernel.setNamespace(there, namespaces.mount)
    try {
      return kernel.cloneTree(path, { recursive: false })
    } finally {
      // Root and working directory become those of the namespace.
      kernel.setNamespace(home, namespaces.mount)
    }
  } finally {
    closeSync(there)
  }
}
