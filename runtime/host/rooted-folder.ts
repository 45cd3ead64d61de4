import { closeSync, constants } from 'node:fs'
import type { RootedFolder } from './host.js'
import { type Kernel, openPath } from './kernel.js'
import { makeDirectoryBelow, openBelow } from './rooted-files.js'
import { errnoOf } from './system-call-error.js'

/** A {@link RootedFolder} by a descriptor, which becomes its own. */
export class DescriptorRoot implements RootedFolder {
  readonly #kernel: Kernel
  readonly #fd: number
  #isOpen = true

  constructor(kernel: Kernel, fd: number) {
    this.#kernel = kernel
    this.#fd = fd
  }

  open(path: string, kind: 'directory' | 'any'): number | undefined {
    try {
      return openBelow(this.#kernel, this.#fd, path, kind === 'directory' ? openPath | constants.O_DIRECTORY : openPath)
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') return undefined
      throw error
    }
  }

  makeDirectory(path: string, options: { readonly mode: number; readonly uid: number; readonly gid: number }): void {
    makeDirectoryBelow(this.#kernel, this.#fd, path, options)
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#fd)
    this.#isOpen = false
  }
}
