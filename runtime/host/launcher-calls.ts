import { constants, openSync } from 'node:fs'
import { attachFromProcess } from './foreign-mount.js'
import { type Kernel, openPath, unmountDetach } from './kernel.js'
import type { LauncherCalls, RequestMessage, SpawnRequest } from './launcher-protocol.js'
import { changeElements } from './netlink/map-elements.js'
import { NetworkThread } from './network-thread.js'
import { mountOverlay } from './overlay.js'
import { findOnPath } from './posix-spawn.js'
import { bindIn, bindOver, makeDirectoryIn, readFileIn, realPathIn } from './rooted-files.js'
import { spawnError } from './spawn-error.js'
import { errnoOf, SystemCallError } from './system-call-error.js'

/** What the launcher thread does with a request. Calls that need no waiting have run when this returns, in the order of requests. */
export function launcherCalls(kernel: Kernel): (request: RequestMessage) => Promise<unknown> {
  const network = new NetworkThread(kernel)
  const calls: LauncherCalls = {
    spawn: command => start(kernel, command),
    mountOverlay: (mount, target) => mountOverlay(kernel, mount, target),
    unmount: target => unmount(kernel, target),
    placeTree: (fd, target) => kernel.placeTree(fd, target),
    attachFromProcess: (pid, path, target) => attachFromProcess(kernel, pid, path, target),
    bindIn: (root, path, target) => bindIn(kernel, root, path, target),
    bindOver: (source, root, path, options) => bindOver(kernel, source, root, path, options),
    openFolder: path => openSync(path, openPath | constants.O_DIRECTORY),
    readFileIn: (root, path, limitBytes) => readFileIn(kernel, root, path, limitBytes),
    realPathIn: (root, path) => realPathIn(kernel, root, path),
    makeDirectoryIn: (root, path, options) => makeDirectoryIn(kernel, root, path, options),
    createNamespace: spec => network.createNamespace(spec),
    addInterface: (namespacePath, spec) => network.addInterface(namespacePath, spec),
    setDefaultRoute: (namespacePath, gateway) => network.setDefaultRoute(namespacePath, gateway),
    openService: (namespacePath, service) => network.openService(namespacePath, service),
    removeLink: name => network.removeLink(name),
    bringBridgeUp: spec => network.bringBridgeUp(spec),
    addressing: () => network.addressing(),
    changeElements: (table, changes) => changeElements(kernel, table, changes),
    filterState: tables => network.filterState(tables),
    shutdown: () => network.close()
  }
  return async ({ name, args }) => {
    // Arguments are what `Launcher.call` type-checked against LauncherCalls under the same name.
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

/** Starts from this thread, so the program has this thread's mount namespace. */
function start(kernel: Kernel, { argv, executable, env, cwd, stdio }: SpawnRequest): number {
  const [program = ''] = argv
  const path = executable ?? findOnPath(program, env.PATH ?? '')
  try {
    if (path === undefined) throw new SystemCallError('posix_spawn', 'ENOENT', program)
    return kernel.spawn({ path, argv, env: Object.entries(env).map(([name, value]) => `${name}=${value}`), cwd, stdio })
  } catch (error) {
    throw spawnError(program, cwd, error)
  }
}
