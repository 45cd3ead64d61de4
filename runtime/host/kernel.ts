import type { SpawnCall } from './posix-spawn.js'

/**
 * The system calls Node has no function for, each as thin as it can be: no decisions, no state. The one implementation
 * that calls the kernel is `koffi-kernel.ts`; tests of the logic above it record the calls instead.
 *
 * Calls are synchronous (but one) and act on the calling thread where the kernel's state is per thread (namespaces, working
 * directory). All throw `SystemCallError`.
 */
export interface Kernel {
  mount(mount: MountCall): void
  unmount(target: string, flags: number): void
  unshare(flags: number): void
  /** open_tree(2), kernel 5.2: a copy of a mount that is nowhere yet. Threads with other mount namespaces can put it into theirs. */
  cloneTree(path: string, options: { readonly recursive: boolean }): number
  /** move_mount(2): put a copy of a mount in its place. */
  placeTree(fd: number, target: string): void
  setNamespace(fd: number, type: number): void
  /** Of the calling thread once it has unshared its file system state, else of the process. */
  changeDirectory(path: string): void
  /** openat2(2), kernel 5.6. Close-on-exec is added. */
  openAt(directoryFd: number, path: string, how: { readonly flags: number; readonly resolve: number }): number
  /** A copy of another process's descriptor (pidfd_getfd(2), kernel 5.6), close-on-exec: the same open file, a terminal's master too. */
  copyDescriptor(pid: number, fd: number): number
  /** Both ends close-on-exec. */
  pipe(): { readonly read: number; readonly write: number }
  /** FS_IOC_GETFLAGS of ioctl_iflags(2). */
  fileFlags(fd: number): number
  /** FS_IOC_SETFLAGS. */
  setFileFlags(fd: number, flags: number): void
  setWindowSize(fd: number, size: { readonly columns: number; readonly rows: number }): void
  /** Take an exclusive flock(2) if nobody has it. */
  tryLock(fd: number): boolean
  /** A netlink socket in the calling thread's network namespace, with extended acknowledgements. */
  openNetlink(protocol: number): number
  /** An IPv4 socket in the calling thread's network namespace, bound, close-on-exec and non-blocking; a stream one listens. */
  openInternetSocket(
    kind: 'stream' | 'datagram',
    at: { readonly address: number; readonly port: number }
  ): { readonly fd: number; readonly port: number }
  send(fd: number, bytes: Uint8Array): void
  /** `send` in another thread, for calls that the kernel takes long over. */
  sendInBackground(fd: number, bytes: Uint8Array): Promise<void>
  receive(fd: number, into: Uint8Array): number
  /** Index of a network interface, 0 when there is none of that name. Waits for no lock. */
  interfaceIndex(name: string): number
  /** Take one file descriptor off a UNIX socket; `pending` when nothing has come yet, `closed` at its end. */
  receiveFd(socketFd: number): number | 'pending' | 'closed'
  close(fd: number): void
  /** A file in memory that nobody can change any more: memfd_create(2), sealed. */
  sealedFile(name: string, content: Uint8Array): number
  /** eventfd(2): what is read from it is how often something happened since, eight bytes; EAGAIN while nothing did. */
  eventCounter(): number
  /** posix_spawn(3) in the calling thread's namespaces, in a session of its own. The caller waits for it with `reap`. */
  spawn(call: SpawnCall): number
  /** waitpid(2) without waiting: how a child ended, undefined while it has not. */
  reap(pid: number): ChildExit | undefined
}

/** How a child process ended: one of the two is null. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface MountCall {
  readonly source: string
  readonly target: string
  /** '' where the call takes none (bind, propagation). */
  readonly type: string
  readonly flags: number
  readonly options: string
}

/** mount(2) flags. */
export const mountFlags = {
  readOnly: 0x1,
  remount: 0x20,
  bind: 0x1000,
  recursive: 0x4000,
  slave: 0x80000
} as const

/** umount2(2): out of sight now, freed when the last user is gone. */
export const unmountDetach = 0x2

/** Namespace types of unshare(2) and setns(2). */
export const namespaces = {
  mount: 0x0002_0000,
  network: 0x4000_0000
} as const

/** open(2) flag that Node does not export: a handle that can be looked up through, not read. */
export const openPath = 0o10000000

/** openat2(2): paths begin at the working directory, absolute ones at `/`. */
export const currentDirectory = -100

/** openat2(2) resolve flags: links that name kernel objects are refused; `/` and `..` stop at the directory. */
export const resolveFlags = { noMagicLinks: 0x02, inRoot: 0x10 } as const
