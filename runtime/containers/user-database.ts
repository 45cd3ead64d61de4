import type { Host } from '../host/host.js'
import type { UserDatabase } from '../oci/user.js'

/** User databases larger than this are refused rather than read into memory. */
const limitBytes = 4 * 1024 ** 2

/** A container's own users and groups. @param root in the launcher's mount namespace @throws EngineError `resource_exhausted`, `invalid_argument` */
export async function readUserDatabase(host: Host, root: string): Promise<UserDatabase> {
  const read = async (path: string) => Buffer.from((await host.readFileIn(root, path, limitBytes)) ?? '').toString('utf8')
  const [passwd, group] = await Promise.all([read('/etc/passwd'), read('/etc/group')])
  return { passwd, group }
}
