import { chmod, chown, lstat, readFile, rename, rm, stat } from 'node:fs/promises'
import { createConnection, type Server } from 'node:net'
import { dirname } from 'node:path'
import { EngineError } from '../../src/errors/index.js'

/** The owner may do everything, the group use the engine, which is as much as being root. */
const socketMode = 0o660

/** Connections that may wait to be taken, as far as the kernel's somaxconn lets them. */
export const backlog = 4096

/** Docker's group, where nobody asks for another one. */
const defaultGroup = 'docker'

/**
 * Listen on a UNIX socket. It appears under its name with its mode and group set, in the place of one that nobody listens on any more.
 *
 * @param group - Name or number; the default is used where the host has it
 * @throws EngineError `conflict` where somebody listens already; `not_found` for a group or a folder that is not there
 */
export async function listenOnUnixSocket(server: Server, path: string, group: string | undefined): Promise<void> {
  await refuseTaken(path)
  await refuseMissingFolder(path)
  const groupId = await groupIdOf(group)
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path: temporary, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  }).catch((error: Error) => {
    throw new EngineError('failed', `cannot listen on ${path}: ${error.message}`, { details: { path }, cause: error })
  })
  await chmod(temporary, socketMode)
  if (groupId !== undefined) await chown(temporary, process.getuid?.() ?? 0, groupId)
  await rename(temporary, path)
}

/** The kernel's own word for it would be "permission denied", by way of libuv. */
async function refuseMissingFolder(path: string): Promise<void> {
  const folder = dirname(path)
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return
  throw new EngineError('not_found', `cannot listen on ${path}: there is no folder ${folder}`, { details: { path } })
}

/** What cannot be connected to is left over from a process that was killed. */
async function refuseTaken(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  if (!there.isSocket()) {
    throw new EngineError('conflict', `${path} is there already, and it is no socket: remove it, or listen elsewhere`, {
      details: { path }
    })
  }
  if (await answers(path)) {
    throw new EngineError('conflict', `somebody listens on ${path} already: stop that process, or listen elsewhere`, { details: { path } })
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const connection = createConnection(path)
    const settle = (is: boolean): void => {
      connection.destroy()
      resolve(is)
    }
    connection.once('connect', () => settle(true))
    // A full backlog means that there is somebody, too.
    connection.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EAGAIN' || error.code === 'EACCES'))
  })
}

async function groupIdOf(group: string | undefined): Promise<number | undefined> {
  const name = group ?? defaultGroup
  if (/^\d+$/.test(name)) return Number(name)
  const groups = await readFile('/etc/group', 'utf8').catch(() => '')
  const line = groups.split('\n').find(entry => entry.startsWith(`${name}:`))
  if (line !== undefined) return Number(line.split(':')[2])
  if (group === undefined) return undefined
  throw new EngineError('not_found', `group ${group} not found: create it (groupadd ${group}), or name another one`, { details: { group } })
}
