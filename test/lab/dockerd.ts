import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Place } from './place.js'
import { childrenOf, type RunningProgram, startProgram, untilReady } from './programs.js'

/** A real dockerd with everything its own: data, socket, and network, mount and process namespaces. */
export interface LabDockerd {
  /** `unix:///...` */
  readonly host: string
  stop(): Promise<void>
}

/**
 * Start dockerd. Its mounts and its processes live in namespaces that end with it, so a SIGKILL leaves nothing of them
 * behind; docker-init is process 1 there and reaps what container shims leave.
 */
export async function startDockerd(
  paths: { readonly dockerd: string; readonly init: string },
  place: Place,
  namespacePath: string
): Promise<LabDockerd> {
  const folder = join(place.folder, 'dockerd')
  await mkdir(folder, { recursive: true })
  const socket = join(folder, 'docker.sock')
  const program = startProgram(
    'dockerd',
    [
      ...['nsenter', `--net=${namespacePath}`],
      ...['unshare', '--mount', '--propagation', 'slave', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[paths.init, '--', paths.dockerd],
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')],
      ...['--host', `unix://${socket}`, '--cgroup-parent', `/${cgroupName(place)}`],
      // dockerd waits for containers to end by themselves before it stops.
      ...['--shutdown-timeout', '2', '--log-level', 'warn']
    ],
    join(place.folder, 'dockerd.log')
  )
  const stop = async (): Promise<void> => {
    await end(program)
    await removeCgroups(place)
  }
  try {
    await untilReady(program, () => ping(socket))
  } catch (error) {
    await stop()
    throw error
  }
  return { host: `unix://${socket}`, stop }
}

/** unshare ignores SIGTERM, so that is for docker-init, which passes it on; SIGKILL of unshare ends the whole namespace. */
async function end(program: RunningProgram): Promise<void> {
  const [init] = await childrenOf(program.pid)
  await program.stop({ graceMs: 10_000, ...(init === undefined ? {} : { gentlyTo: init }) })
}

/** Remove the control groups that containers of this place's dockerd ran in, in every hierarchy. */
export async function removeCgroups(place: Place): Promise<void> {
  const base = '/sys/fs/cgroup'
  const hierarchies = await readdir(base).catch(() => [])
  for (const folder of [base, ...hierarchies.map(name => join(base, name))]) await removeTree(join(folder, cgroupName(place)))
}

/** Control groups have files that cannot be removed; the folders are removed from the bottom up. */
async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name))
  await rmdir(folder).catch(() => {})
}

function cgroupName(place: Place): string {
  return `lab-dockerd-${place.slot}`
}

function ping(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/_ping', agent: false, timeout: 5000 }, response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode === 200))
    })
    call.on('error', reject)
    call.end()
  })
}
