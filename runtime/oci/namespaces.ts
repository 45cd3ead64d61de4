import { existsSync } from 'node:fs'
import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { SpecMount, SpecNamespace } from './runtime-spec.js'

/** What a container shares with the host or with another container, in the words of `HostConfig`. */
export type NamespaceModes = Pick<HostConfig, 'PidMode' | 'IpcMode' | 'UTSMode' | 'CgroupnsMode' | 'UsernsMode'>

/** Of `container:<id>` the id. */
export function sharedWith(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') ? mode.slice('container:'.length) : undefined
}

/** @throws EngineError `invalid_argument` in Docker's words for a mode that there is not */
export function checkNamespaceModes(modes: NamespaceModes): void {
  const allowed: readonly (readonly [name: keyof NamespaceModes, word: string, values: readonly string[], shared: boolean])[] = [
    ['PidMode', 'PID', ['', 'host'], true],
    ['IpcMode', 'IPC', ['', 'none', 'private', 'shareable', 'host'], true],
    ['UTSMode', 'UTS', ['', 'host'], false],
    ['CgroupnsMode', 'cgroup namespace', ['', 'host', 'private'], false],
    ['UsernsMode', 'userns', ['', 'host'], false]
  ]
  for (const [name, word, values, shared] of allowed) {
    const mode = modes[name] ?? ''
    if (values.includes(mode) || (shared && (sharedWith(mode) ?? '') !== '')) continue
    throw new EngineError('invalid_argument', `invalid ${word} mode: ${mode}`, { details: { field: `HostConfig.${name}`, value: mode } })
  }
}

/** The namespaces a container gets or joins; owners are the first processes of those it shares them with. */
export function namespacesOf(
  modes: NamespaceModes,
  places: { readonly network: string | undefined; readonly pidOwner: number | undefined; readonly ipcOwner: number | undefined }
): readonly SpecNamespace[] {
  const own = (type: SpecNamespace['type'], mode: string | undefined, owner: number | undefined): readonly SpecNamespace[] => {
    if (owner !== undefined) return [{ type, path: `/proc/${owner}/ns/${type}` }]
    return mode === 'host' ? [] : [{ type }]
  }
  return [
    { type: 'mount' },
    ...own('uts', modes.UTSMode, undefined),
    ...own('pid', modes.PidMode, places.pidOwner),
    ...own('ipc', modes.IpcMode, places.ipcOwner),
    ...(modes.CgroupnsMode === 'private' ? [{ type: 'cgroup' as const }] : []),
    ...(places.network === undefined ? [] : [{ type: 'network' as const, path: places.network }])
  ]
}

/**
 * Shared memory and message queues belong to the IPC namespace: with the host's they are the host's. Of another container's, the queues come with
 * the namespace, and `sharedMemory` is where its shared memory is mounted.
 */
export function ipcMounts(mode: string | undefined, sharedMemory: string | undefined): readonly SpecMount[] | undefined {
  if (sharedMemory !== undefined) return [{ destination: '/dev/shm', type: 'bind', source: sharedMemory, options: ['bind', 'rprivate'] }]
  if (mode !== 'host') return undefined
  // Not every host has message queues mounted.
  return ['/dev/shm', '/dev/mqueue']
    .filter(path => existsSync(path))
    .map(path => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'rprivate'] }))
}
