import { accessSync, constants, statSync } from 'node:fs'

/** Whether there is a file that this process may run: a folder can be searched, which the kernel calls the same. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
