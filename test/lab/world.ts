import { connect } from 'node:net'
import { join } from 'node:path'
import { labPrefix, type Place } from './place.js'
import { type RunningProgram, run, startProgram, untilReady } from './programs.js'

/**
 * A stand-in for the rest of the world, and the network namespace that the lab's dockerd lives in:
 *
 * ```
 *   this machine           world                          dockerd
 *   198.51.100.(4n+1) ──── 198.51.100.(4n+2)
 *                          198.51.100.254 ─────────────── 198.51.100.253, default route to .254
 * ```
 *
 * n is the lab's slot. The world has no route to any container network: only what was translated (NAT) to one of the
 * two neighbours' addresses gets an answer.
 */
export interface LabWorld {
  /** Reached from this machine and from dockerd's namespace. */
  readonly address: string
  /** A TCP port that answers each connection with the address it saw, a newline, and the end. */
  readonly port: number
  /** This machine's address as the world sees it. */
  readonly hostAddress: string
  /** dockerd's address, as this machine and the world see it. */
  readonly dockerdAddress: string
  /** Path of dockerd's network namespace. */
  readonly dockerdNamespace: string
}

const dockerdAddress = '198.51.100.253'
const worldPort = 7000
const answerWithPeer = `require('node:net').createServer(s => { s.on('error', () => {}); s.end(s.remoteAddress + '\\n') }).listen(${worldPort}, '0.0.0.0')`

/** Make the two namespaces and start the server. Undone by ending the server and {@link removeWorld}. */
export async function startWorld(ip: string, place: Place): Promise<{ readonly world: LabWorld; readonly server: RunningProgram }> {
  const name = names(place)
  const hostAddress = `198.51.100.${4 * place.slot + 1}`
  const address = `198.51.100.${4 * place.slot + 2}`
  await removeWorld(ip, place)
  try {
    await run([ip, 'netns', 'add', name.world])
    await run([ip, 'netns', 'add', name.dockerd])
    const batch = (lines: readonly string[], namespace: readonly string[] = []): Promise<string> =>
      run([ip, ...namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
    await batch([
      `link add ${name.link} type veth peer name eth0 netns ${name.world}`,
      `addr add ${hostAddress}/30 dev ${name.link}`,
      `link set ${name.link} up`
    ])
    await batch(
      [
        'link set lo up',
        `addr add ${address}/30 dev eth0`,
        'link set eth0 up',
        `link add eth1 type veth peer name eth0 netns ${name.dockerd}`,
        'addr add 198.51.100.254/30 dev eth1',
        'link set eth1 up'
      ],
      ['-n', name.world]
    )
    await batch(
      ['link set lo up', `addr add ${dockerdAddress}/30 dev eth0`, 'link set eth0 up', 'route add default via 198.51.100.254'],
      ['-n', name.dockerd]
    )
    const namespace = `--net=/run/netns/${name.world}`
    const server = startProgram('world', ['nsenter', namespace, process.execPath, '-e', answerWithPeer], join(place.folder, 'world.log'))
    const world = { address, port: worldPort, hostAddress, dockerdAddress, dockerdNamespace: `/run/netns/${name.dockerd}` }
    await untilReady(server, async () => (await ask(address, worldPort)) === hostAddress)
    return { world, server }
  } catch (error) {
    await removeWorld(ip, place)
    throw error
  }
}

/** Remove the namespaces and, with them, both links. Idempotent. */
export async function removeWorld(ip: string, place: Place): Promise<void> {
  const name = names(place)
  // The link goes with its far end, but not at once: the kernel takes namespaces apart in the background.
  await run([ip, 'link', 'delete', name.link]).catch(() => {})
  for (const namespace of [name.dockerd, name.world]) await run([ip, 'netns', 'delete', namespace]).catch(() => {})
}

function names(place: Place): { world: string; dockerd: string; link: string } {
  const link = `${labPrefix}${place.slot}`
  return { world: `${link}-world`, dockerd: `${link}-dockerd`, link }
}

function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host, port })
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer')))
    socket.on('data', chunk => {
      text += chunk.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text.trim()))
  })
}
