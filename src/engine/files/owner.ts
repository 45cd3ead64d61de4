import { EngineError } from '../../errors/index.js'
import type { EngineContext } from '../context.js'
import { readFile } from './read-file.js'

/** Numbers of a user and a group. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Who `user[:group]` is in a container: numbers as they are, names by its /etc/passwd and /etc/group. */
export async function ownerOf(context: EngineContext, id: string, user: string, signal: AbortSignal): Promise<Owner> {
  const [name = '', group] = user.split(':')
  const lookUp = async (file: string, wanted: string): Promise<readonly string[]> => {
    const lines = (await readFile(context, id, file, signal)).toString('utf8').split('\n')
    const found = lines.map(line => line.split(':')).find(([entry]) => entry === wanted)
    if (found === undefined) throw new EngineError('not_found', `${wanted} is not in ${file} of the container`, { details: { user } })
    return found
  }
  const isNumber = (text: string): boolean => /^\d+$/.test(text)
  const entry = isNumber(name) ? undefined : await lookUp('/etc/passwd', name)
  const uid = Number(entry?.[2] ?? name)
  if (group === undefined) return { uid, gid: Number(entry?.[3] ?? 0) }
  return { uid, gid: isNumber(group) ? Number(group) : Number((await lookUp('/etc/group', group))[2]) }
}
