import { permissionFix } from '../permission-fix.js'
import { pathOf } from './docker-config.js'
import type { Located } from './located.js'
import type { LocatePorts, SocketState } from './ports.js'
import type { Strategy } from './strategy.js'

interface WellKnown {
  readonly name: string
  readonly path: string
  /** How to get it running. */
  readonly start: string
}

/** Sockets that engines put in a known place, Gantry's own first. */
export const wellKnownSockets: Strategy = async ports => {
  const found = await Promise.all(wellKnown(ports).map(async socket => describe(ports, socket, await ports.socketState(socket.path))))
  // /var/run is /run nearly everywhere, and a variable may repeat a default: the same socket is worth one line.
  return found.filter((one, index) => found.findIndex(other => other.endpoint === one.endpoint) === index)
}

function wellKnown(ports: LocatePorts): readonly WellKnown[] {
  switch (ports.platform) {
    case 'win32':
      return [
        { name: 'Docker', path: '\\\\.\\pipe\\docker_engine', start: 'start Docker Desktop' },
        { name: 'Docker Desktop', path: '\\\\.\\pipe\\dockerDesktopLinuxEngine', start: 'start Docker Desktop' },
        { name: 'Podman', path: '\\\\.\\pipe\\podman-machine-default', start: 'run: podman machine start' }
      ]
    case 'darwin':
      return [
        { name: 'Docker', path: '/var/run/docker.sock', start: 'start Docker Desktop, or another engine' },
        ...inHome(ports, [
          ['Docker Desktop', '.docker/run/docker.sock', 'start Docker Desktop'],
          ['OrbStack', '.orbstack/run/docker.sock', 'run: orb start'],
          ['Podman', '.local/share/containers/podman/machine/podman.sock', 'run: podman machine start']
        ]),
        ...forDevelopers(ports)
      ]
    default:
      return [
        { name: 'Gantry', path: '/run/gantry.sock', start: 'run: gantry daemon' },
        { name: 'Docker', path: '/var/run/docker.sock', start: 'run: sudo systemctl start docker' },
        ...inRuntimeFolder(ports, [
          ['Docker (rootless)', 'docker.sock', 'run: systemctl --user start docker'],
          ['Podman (rootless)', 'podman/podman.sock', 'run: systemctl --user start podman.socket']
        ]),
        { name: 'Podman', path: '/run/podman/podman.sock', start: 'run: sudo systemctl start podman.socket' },
        ...inHome(ports, [['Docker Desktop', '.docker/desktop/docker.sock', 'start Docker Desktop']]),
        ...forDevelopers(ports)
      ]
  }
}

function forDevelopers(ports: LocatePorts): readonly WellKnown[] {
  const colima = ports.env.COLIMA_HOME
  return [
    ...(colima ? [{ name: 'Colima', path: pathOf(ports).join(colima, 'default', 'docker.sock'), start: 'run: colima start' }] : []),
    ...inHome(ports, [
      ['Colima', '.colima/default/docker.sock', 'run: colima start'],
      ['Rancher Desktop', '.rd/docker.sock', 'start Rancher Desktop with the dockerd (moby) engine']
    ])
  ]
}

function inHome(ports: LocatePorts, entries: readonly (readonly [string, string, string])[]): readonly WellKnown[] {
  return entries.map(([name, path, start]) => ({ name, path: pathOf(ports).join(ports.homedir, path), start }))
}

/** The user's runtime folder; systemd's default place when the variable is lost (su, cron). Root's engines are not there. */
function inRuntimeFolder(ports: LocatePorts, entries: readonly (readonly [string, string, string])[]): readonly WellKnown[] {
  const folder = ports.env.XDG_RUNTIME_DIR || (ports.uid ? `/run/user/${ports.uid}` : undefined)
  return folder === undefined ? [] : entries.map(([name, path, start]) => ({ name, path: pathOf(ports).join(folder, path), start }))
}

function describe(ports: LocatePorts, socket: WellKnown, state: SocketState): Located {
  const isPipe = ports.platform === 'win32'
  const endpoint = isPipe ? `npipe://${socket.path.replaceAll('\\', '/')}` : `unix://${socket.path}`
  const base = { name: socket.name, endpoint, explicit: false }
  switch (state) {
    case 'usable':
      return base
    case 'missing':
      return { ...base, skipped: `no such ${isPipe ? 'pipe' : 'file'}`, fix: socket.start }
    case 'denied':
      return { ...base, skipped: 'permission denied', fix: permissionFix(socket.path) }
    case 'not a socket':
      return { ...base, skipped: 'not a socket', fix: `move ${socket.path} away, then ${socket.start}` }
  }
}
