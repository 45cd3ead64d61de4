import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EngineError } from '../../src/errors/index.js'

/** The owner may do everything; a group that is given it may pass through. */
const mode = 0o710

/**
 * Make the data root and the folders above it. Node's own recursion never ends where a file system takes no folders (/proc).
 *
 * @throws EngineError `invalid_argument`, `permission_denied` where there can be none
 */
export async function makeDataRoot(path: string): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const there = await stat(path).catch(() => undefined)
    if (there?.isDirectory()) return
    const parent = dirname(path)
    if (code === 'ENOENT' && parent !== path && (await stat(parent).catch(() => undefined)) === undefined) {
      await makeDataRoot(parent)
      return makeDataRoot(path)
    }
    const why = there === undefined ? message : 'it is no folder'
    throw new EngineError(
      code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'permission_denied' : 'invalid_argument',
      `the data root ${path} cannot be made: ${why}`,
      { details: { path }, cause }
    )
  }
}
