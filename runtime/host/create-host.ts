import { constants, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { openConsoleSocket } from './console-socket.js'
import { lockFile } from './file-lock.js'
import type { ConsoleSocket, FileLock, Host, HostCommand, HostProcess, OverlayMount, RootedFolder } from './host.js'
import type {
  BridgeSpec,
  FilterState,
  HostAddressing,
  HostNetwork,
  NamespaceInterface,
  NamespaceService,
  NamespaceSpec,
  ServiceSockets
} from './host-network.js'
import { type Kernel, openPath, unmountDetach } from './kernel.js'
import { openKernel } from './koffi-kernel.js'
import { Launcher } from './launcher.js'
import { splitMountOptions } from './mount-options.js'
import type { ElementChange } from './netlink/map-elements.js'
import { DescriptorRoot } from './rooted-folder.js'
import { runNft } from './run-nft.js'
import { spreadFolders } from './spread-folders.js'
import { errnoOf } from './system-call-error.js'

/** The host with what networking needs of it: what {@link createHost} makes. */
export interface NetworkedHost extends Host {
  readonly network: HostNetwork
}

/**
 * Start the launcher thread and be ready to mount and spawn. `probeHost` tells beforehand whether that can work.
 *
 * @param options.runRoot folder for sockets and locks, made when missing
 * @throws EngineError `permission_denied` without the right to make a mount namespace, `not_supported` without koffi
 */
export async function createHost(options: { readonly runRoot: string }): Promise<NetworkedHost> {
  await mkdir(options.runRoot, { recursive: true, mode: 0o711 })
  const kernel = await openKernel()
  return new KernelHost(kernel, await Launcher.start(kernel))
}

class KernelHost implements NetworkedHost {
  readonly network: HostNetwork
  readonly #kernel: Kernel
  readonly #launcher: Launcher
  readonly #sealed: number[] = []

  constructor(kernel: Kernel, launcher: Launcher) {
    this.#kernel = kernel
    this.#launcher = launcher
    this.network = new LauncherNetwork(launcher)
  }

  mountOverlay(mount: OverlayMount, target: string): Promise<void> {
    return this.#launcher.call('mountOverlay', mount, target)
  }

  unmount(target: string): Promise<void> {
    return this.#launcher.call('unmount', target)
  }

  bindOver(source: string, root: string, path: string, options: { readonly readOnly: boolean }): Promise<void> {
    return this.#launcher.call('bindOver', source, root, path, options)
  }

  async openRoot(path: string): Promise<RootedFolder> {
    return new DescriptorRoot(this.#kernel, await this.#launcher.call('openFolder', path))
  }

  openRootOf(pid: number): RootedFolder | undefined {
    try {
      return new DescriptorRoot(this.#kernel, openSync(`/proc/${pid}/root`, openPath | constants.O_DIRECTORY))
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ESRCH' && errno !== 'EACCES') throw error
      return undefined
    }
  }

  spreadFolders(path: string): void {
    spreadFolders(this.#kernel, path)
  }

  async mountOnHost(
    mount: { readonly type: string; readonly device: string; readonly options: readonly string[] },
    target: string
  ): Promise<void> {
    const { flags, data } = splitMountOptions(mount.options)
    // This thread's namespace is the host's; the launcher has left it.
    this.#kernel.mount({ source: mount.device, target, type: mount.type, flags, options: data })
  }

  async unmountFromHost(target: string): Promise<void> {
    try {
      this.#kernel.unmount(target, unmountDetach)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'EINVAL' && errno !== 'ENOENT') throw error
    }
  }

  async attachFromHost(source: string, target: string, options: { readonly recursive: boolean }): Promise<void> {
    const fd = this.#kernel.cloneTree(source, options)
    try {
      await this.#launcher.call('placeTree', fd, target)
    } finally {
      this.#kernel.close(fd)
    }
  }

  attachFromProcess(pid: number, path: string, target: string): Promise<void> {
    return this.#launcher.call('attachFromProcess', pid, path, target)
  }

  bindIn(root: string, path: string, target: string): Promise<void> {
    return this.#launcher.call('bindIn', root, path, target)
  }

  readFileIn(root: string, path: string, limitBytes: number): Promise<Uint8Array | undefined> {
    return this.#launcher.call('readFileIn', root, path, limitBytes)
  }

  realPathIn(root: string, path: string): Promise<{ readonly path: string; readonly isDirectory: boolean } | undefined> {
    return this.#launcher.call('realPathIn', root, path)
  }

  makeDirectoryIn(
    root: string,
    path: string,
    options: { readonly mode: number; readonly uid: number; readonly gid: number }
  ): Promise<void> {
    return this.#launcher.call('makeDirectoryIn', root, path, options)
  }

  spawn(command: HostCommand): Promise<HostProcess> {
    return this.#launcher.spawn(command)
  }

  copyDescriptor(pid: number, fd: number): number {
    return this.#kernel.copyDescriptor(pid, fd)
  }

  async pipe(): Promise<{ readonly read: number; readonly write: number }> {
    return this.#kernel.pipe()
  }

  eventCounter(): number {
    return this.#kernel.eventCounter()
  }

  openConsole(socketPath: string): Promise<ConsoleSocket> {
    return openConsoleSocket(this.#kernel, socketPath)
  }

  resizeTerminal(masterFd: number, size: { readonly columns: number; readonly rows: number }): void {
    this.#kernel.setWindowSize(masterFd, size)
  }

  lock(path: string, options: { readonly signal: AbortSignal }): Promise<FileLock> {
    return lockFile(this.#kernel, path, options)
  }

  closeFd(fd: number): void {
    this.#kernel.close(fd)
  }

  async sealProgram(path: string): Promise<string> {
    const fd = this.#kernel.sealedFile(basename(path), await readFile(path))
    this.#sealed.push(fd)
    // The child's own table at the moment of its execution: a copy of this process's.
    return `/proc/self/fd/${fd}`
  }

  async close(): Promise<void> {
    await this.#launcher.close()
    for (const fd of this.#sealed.splice(0)) this.#kernel.close(fd)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

class LauncherNetwork implements HostNetwork {
  readonly #launcher: Launcher

  constructor(launcher: Launcher) {
    this.#launcher = launcher
  }

  createNamespace(spec: NamespaceSpec): Promise<number> {
    return this.#launcher.call('createNamespace', spec)
  }

  addInterface(namespacePath: string, spec: NamespaceInterface): Promise<void> {
    return this.#launcher.call('addInterface', namespacePath, spec)
  }

  setDefaultRoute(namespacePath: string, gateway: string | undefined): Promise<void> {
    return this.#launcher.call('setDefaultRoute', namespacePath, gateway)
  }

  openService(namespacePath: string, service: NamespaceService): Promise<ServiceSockets> {
    return this.#launcher.call('openService', namespacePath, service)
  }

  removeLink(name: string): Promise<void> {
    return this.#launcher.call('removeLink', name)
  }

  bringBridgeUp(spec: BridgeSpec): Promise<void> {
    return this.#launcher.call('bringBridgeUp', spec)
  }

  addressing(): Promise<HostAddressing> {
    return this.#launcher.call('addressing')
  }

  nft(args: readonly string[], input = ''): Promise<string> {
    return runNft(args, input)
  }

  changeElements(table: string, changes: readonly ElementChange[]): Promise<boolean> {
    return this.#launcher.call('changeElements', table, changes)
  }

  filterState(tables: readonly string[]): Promise<FilterState> {
    return this.#launcher.call('filterState', tables)
  }
}
