import type { ErrorCode } from '../../src/errors/error-code.js'
import type { OverlayMount } from './host.js'
import type {
  BridgeSpec,
  FilterState,
  HostAddressing,
  NamespaceInterface,
  NamespaceService,
  NamespaceSpec,
  ServiceSockets
} from './host-network.js'
import type { ElementChange } from './netlink/map-elements.js'

/**
 * What the main thread may ask of the launcher thread. A call that returns a promise lets the thread go on with others;
 * the rest block it for as long as their system calls take.
 */
export interface LauncherCalls {
  mountOverlay(mount: OverlayMount, target: string): void
  unmount(target: string): void
  placeTree(fd: number, target: string): void
  attachFromProcess(pid: number, path: string, target: string): void
  bindIn(root: string, path: string, target: string): void
  bindOver(source: string, root: string, path: string, options: { readonly readOnly: boolean }): void
  openFolder(path: string): number
  readFileIn(root: string, path: string, limitBytes: number): Uint8Array | undefined
  realPathIn(root: string, path: string): { readonly path: string; readonly isDirectory: boolean } | undefined
  makeDirectoryIn(root: string, path: string, options: { readonly mode: number; readonly uid: number; readonly gid: number }): void
  /** The number of the program, a child of this process that somebody has to reap. */
  spawn(command: SpawnRequest): number
  createNamespace(spec: NamespaceSpec): number
  addInterface(namespacePath: string, spec: NamespaceInterface): void
  setDefaultRoute(namespacePath: string, gateway: string | undefined): void
  openService(namespacePath: string, service: NamespaceService): ServiceSockets
  removeLink(name: string): Promise<void>
  bringBridgeUp(spec: BridgeSpec): void
  addressing(): HostAddressing
  changeElements(table: string, changes: readonly ElementChange[]): boolean
  filterState(tables: readonly string[]): FilterState
  /** Close what the thread keeps open; nothing is asked of it afterwards. */
  shutdown(): Promise<void>
}

export interface SpawnRequest {
  readonly argv: readonly string[]
  readonly executable?: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdio: readonly (number | 'ignore')[]
}

export interface RequestMessage {
  readonly id: number
  readonly name: keyof LauncherCalls
  readonly args: readonly unknown[]
}

/** An error on its way between threads. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface ResponseMessage {
  readonly kind: 'response'
  readonly id: number
  readonly value?: unknown
  readonly error?: WireError
}

/** The thread's first words: it has its namespace, or why not. */
export interface ReadyMessage {
  readonly kind: 'ready'
  readonly error?: WireError
}

export type ThreadMessage = ResponseMessage | ReadyMessage
