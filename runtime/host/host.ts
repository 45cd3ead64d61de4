/**
 * The seam between the runtime and the kernel. Only `runtime/host` implements it for real; tests use a recording
 * double. Everything that mounts or spawns does it in the launcher thread: a worker thread of this process with a mount
 * namespace of its own, so nothing it mounts is visible on the host and everything it mounted vanishes with the
 * process, SIGKILL included.
 */
export interface Host extends AsyncDisposable {
  /** Stack directories, read-write layer on top. Layers are listed top first, as overlayfs reads them. */
  mountOverlay(mount: OverlayMount, target: string): Promise<void>
  /** Lazy unmount. A target that is not mounted is not an error. */
  unmount(target: string): Promise<void>
  /**
   * Mount a file system on the host, where every process sees it, until {@link unmountFromHost}. Options are mount(8)'s.
   *
   * @throws SystemCallError
   */
  mountOnHost(mount: { readonly type: string; readonly device: string; readonly options: readonly string[] }, target: string): Promise<void>
  /** A target that is not mounted is not an error. */
  unmountFromHost(target: string): Promise<void>
  /**
   * Put what the host has mounted at a path also at `target` in the launcher's mount namespace, with its propagation: what is shared
   * stays shared with the host. `unmount` takes it away.
   */
  attachFromHost(source: string, target: string, options: { readonly recursive: boolean }): Promise<void>
  /** The same of what another process has mounted at a path of its own, without what is mounted below. `target` is a folder that is there. */
  attachFromProcess(pid: number, path: string, target: string): Promise<void>
  /**
   * Bind what is below `root` to `target`, both in the launcher's mount namespace; links are resolved inside `root`. `target`, a name
   * that is free, becomes a file or a folder as the source is.
   *
   * @throws EngineError `not_found`
   */
  bindIn(root: string, path: string, target: string): Promise<void>
  /**
   * Mount a file or folder over what is below `root`, both in the launcher's mount namespace; links are resolved inside `root`, and what is
   * missing is made. It goes with `root`'s own mount.
   *
   * @throws EngineError `conflict` where something is in the way
   */
  bindOver(source: string, root: string, path: string, options: { readonly readOnly: boolean }): Promise<void>
  /** A folder as the root of everything asked of it; `path` is one of the launcher's mount namespace. Close it. */
  openRoot(path: string): Promise<RootedFolder>
  /** The root of a running process: what it has mounted is seen as well. Undefined when the process is gone. Close it. */
  openRootOf(pid: number): RootedFolder | undefined
  /** Folders that are made in this one are unrelated: have them spread over the disk, where the file system can. */
  spreadFolders(path: string): void
  /** Read a file below `root` (a path in the launcher's mount namespace), links resolved inside `root`; undefined when there is none. */
  readFileIn(root: string, path: string, limitBytes: number): Promise<Uint8Array | undefined>
  /** Where a path below `root` leads, links resolved inside `root`: a path without links that begins with `root`. Undefined when there is nothing. */
  realPathIn(root: string, path: string): Promise<{ readonly path: string; readonly isDirectory: boolean } | undefined>
  /** Make a directory and its parents below `root`, links resolved inside `root`. An existing one is left alone. */
  makeDirectoryIn(root: string, path: string, options: { readonly mode: number; readonly uid: number; readonly gid: number }): Promise<void>
  /**
   * Start a program in the launcher's mount namespace and a session of its own: signals of the caller's terminal do not
   * reach it. It is looked up in `env.PATH`; its working directory is `/` unless given. `stdio[n]` is the file descriptor (of this process) that becomes
   * n, or 'ignore'.
   *
   * @throws EngineError `not_found` when there is no such program, `permission_denied` when it may not be run
   */
  spawn(command: HostCommand): Promise<HostProcess>
  /** A copy of another process's descriptor: the same open file. Needs the right to trace it. */
  copyDescriptor(pid: number, fd: number): number
  /** A pipe; both ends close-on-exec. The caller closes them. */
  pipe(): Promise<{ readonly read: number; readonly write: number }>
  /** A descriptor that counts events of the kernel, for `openOomCounter`. The caller closes it. */
  eventCounter(): number
  /** A listening console socket, as OCI runtimes want it for `--console-socket`. */
  openConsole(socketPath: string): Promise<ConsoleSocket>
  /** Set a terminal's size (TIOCSWINSZ). */
  resizeTerminal(masterFd: number, size: { readonly columns: number; readonly rows: number }): void
  /** Exclusive advisory lock (flock) on a file that is made when missing. Released on `release`, on exit, on SIGKILL. */
  lock(path: string, options: { readonly signal: AbortSignal }): Promise<FileLock>
  closeFd(fd: number): void
  /**
   * Keep a program in sealed memory: what runs from there can neither be written through `/proc/<pid>/exe` nor be replaced. Gives a path for
   * `HostCommand.executable`, good until the host is closed.
   */
  sealProgram(path: string): Promise<string>
  close(): Promise<void>
}

/** Layers to stack. */
export interface OverlayMount {
  /** Read-only layers, topmost first. */
  readonly lower: readonly string[]
  /** Absent: a read-only view. */
  readonly upper?: string
  readonly work?: string
}

export interface HostCommand {
  readonly argv: readonly string[]
  /** The file to execute, where it is not what `argv[0]` names. */
  readonly executable?: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdio: readonly (number | 'ignore')[]
  /** Start unreferenced: the event loop does not wait for it. @default false */
  readonly background?: boolean
}

/**
 * A program that was started. While it runs and is referenced it keeps the event loop alive, as a child process of Node
 * does: a caller who waits for its end gets it, and whoever starts something that nobody waits for calls `unref`.
 */
export interface HostProcess {
  readonly pid: number
  /** Never rejects. Both null when the host was closed before the end. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  ref(): void
  unref(): void
}

/**
 * A folder that no path leads out of: links are resolved as if it were `/`, and `..` stops at it, whatever is renamed meanwhile. Links
 * that name kernel objects (`/proc/1/root`) lead nowhere. Descriptors are good in every thread, wherever the folder is mounted.
 */
export interface RootedFolder {
  /**
   * A descriptor to look up from (`/proc/self/fd/<n>/<name>`), not to read; the caller closes it. A last component that is a link is followed.
   *
   * @returns undefined when there is nothing, or no directory where one was asked for
   * @throws SystemCallError `ELOOP` for links that lead in a circle
   */
  open(path: string, kind: 'directory' | 'any'): number | undefined
  /** Make a directory and its parents. @throws EngineError `conflict` where something is in the way */
  makeDirectory(path: string, options: { readonly mode: number; readonly uid: number; readonly gid: number }): void
  close(): void
}

export interface ConsoleSocket {
  readonly path: string
  /** The terminal's master side, once the OCI runtime has sent it. Rejects when the socket is closed before that. */
  readonly master: Promise<number>
  close(): void
}

export interface FileLock {
  release(): void
}
