import { spawn } from 'node:child_process'
import type { Kernel } from './kernel.js'
import { unmountDetach } from './kernel.js'
import type { ExitMessage, LauncherCalls, RequestMessage, SpawnRequest } from './launcher-protocol.js'
import { NetworkThread } from './network-thread.js'
import { mountOverlay } from './overlay.js'
import { makeDirectoryIn, readFileIn } from './rooted-files.js'
import { spawnError } from './spawn-error.js'
import { errnoOf } from './system-call-error.js'

type Exit = Omit<ExitMessage, 'kind'>

/** What the launcher thread does with a request. Calls that need no waiting have run when this returns, in the order of requests. */
export function launcherCalls(kernel: Kernel, onExit: (exit: Exit) => void): (request: RequestMessage) => Promise<unknown> {
  const network = new NetworkThread(kernel)
  const calls: Omit<LauncherCalls, 'spawn'> = {
    mountOverlay: (mount, target) => mountOverlay(kernel, mount, target),
    unmount: target => unmount(kernel, target),
    readFileIn: (root, path, limitBytes) => readFileIn(kernel, root, path, limitBytes),
    makeDirectoryIn: (root, path, options) => makeDirectoryIn(kernel, root, path, options),
    createNamespace: spec => network.createNamespace(spec),
    removeLink: name => network.removeLink(name),
    bringBridgeUp: spec => network.bringBridgeUp(spec),
    addressing: () => network.addressing(),
    filterState: tables => network.filterState(tables),
    shutdown: () => network.close()
  }
  return async ({ id, name, args }) => {
    // Arguments are what `Launcher.call` type-checked against LauncherCalls under the same name.
    if (name === 'spawn') return await start(args[0] as SpawnRequest, exit => onExit({ id, ...exit }))
    return await (calls[name] as (...args: readonly unknown[]) => unknown)(...args)
  }
}

function unmount(kernel: Kernel, target: string): void {
  try {
    kernel.unmount(target, unmountDetach)
  } catch (error) {
    // EINVAL: not a mount point. ENOENT: not even there.
    const errno = errnoOf(error)
    if (errno !== 'EINVAL' && errno !== 'ENOENT') throw error
  }
}

/** Forks from this thread, so the program starts in this thread's mount namespace. */
function start({ argv, env, cwd, stdio }: SpawnRequest, onExit: (exit: Omit<Exit, 'id'>) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv
    const child = spawn(program, args, { cwd, env: { ...env }, stdio: [...stdio], detached: true })
    child.once('error', error => reject(spawnError(program, cwd, error)))
    child.once('exit', (code, signal) => onExit({ code, signal }))
    if (child.pid !== undefined) resolve(child.pid)
  })
}
