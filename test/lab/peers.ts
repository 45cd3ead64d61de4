import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run, startProgram, untilReady } from './programs.js'

/** Skopeo's options for copies between registries without TLS. */
export const withoutTls = ['--src-tls-verify=false', '--dest-tls-verify=false'] as const

/** Whether a program can be called by its name. */
export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))
}

/** Run skopeo, and give what it says. */
export function skopeo(...argv: readonly string[]): Promise<string> {
  return run(['skopeo', ...argv])
}

/** The digest that a registry gives for a reference, as skopeo sees it. */
export async function digestAt(reference: string, ...options: readonly string[]): Promise<string> {
  return (await skopeo('inspect', '--no-tags', '--format={{.Digest}}', ...options, `docker://${reference}`)).trim()
}

/** A podman whose data are below a folder; it keeps nothing elsewhere and needs no kernel's overlay. */
export function podmanIn(folder: string): (...argv: readonly string[]) => Promise<string> {
  return (...argv) => run([...podmanCommand(folder), ...argv])
}

function podmanCommand(folder: string): readonly string[] {
  const place = (name: string) => join(folder, name)
  return [
    ...['podman', '--root', place('podman'), '--runroot', place('podman-run'), '--tmpdir', place('podman-tmp')],
    ...['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none']
  ]
}

/** Podman's service of the Docker Engine API. It talks to one registry without TLS. */
export async function servePodman(folder: string, registry: string): Promise<{ readonly host: string; stop(): Promise<void> }> {
  const [settings, socket] = [join(folder, 'registries.conf'), join(folder, 'podman.sock')]
  await writeFile(settings, `[[registry]]\nlocation = ${JSON.stringify(registry)}\ninsecure = true\n`)
  const host = `unix://${socket}`
  const argv = ['env', `CONTAINERS_REGISTRIES_CONF=${settings}`, ...podmanCommand(folder), 'system', 'service', '--time=0', host]
  const program = startProgram('podman', argv, join(folder, 'podman.log'))
  await untilReady(program, async () => existsSync(socket))
  return { host, stop: () => program.stop() }
}

/** Another engine, as far as images and what is in them go. Registries have no TLS. */
export interface PeerEngine {
  /** @returns the image's id, `sha256:...` */
  pull(name: string): Promise<string>
  /** @param to the name that it gets */
  push(name: string, to: string): Promise<void>
  /** An image of another one and what a shell script does in it. @returns its id */
  commit(name: string, script: string, to: string): Promise<string>
  /** Look at an image's files: the folder is only there meanwhile. */
  withRoot<T>(name: string, look: (root: string) => Promise<T>): Promise<T>
}

export function peerDocker(host: string): PeerEngine {
  const docker = async (...argv: readonly string[]) => (await run(['docker', '-H', host, ...argv])).trim()
  const idOf = (name: string) => docker('image', 'inspect', '-f', '{{.Id}}', name)
  return {
    async pull(name) {
      await docker('pull', '-q', name)
      return idOf(name)
    },
    async push(name, to) {
      if (name !== to) await docker('tag', name, to)
      await docker('push', '-q', to)
    },
    async commit(name, script, to) {
      const container = randomUUID()
      await docker('run', '--name', container, '--network', 'none', name, 'sh', '-e', '-c', script)
      await docker('commit', container, to)
      await docker('rm', container)
      return idOf(to)
    },
    async withRoot(name, look) {
      const mark = randomUUID()
      const argv = ['sh', '-c', `while :; do sleep 1000; done # ${mark}`]
      await docker('run', '-d', '--name', mark, '--network', 'none', name, ...argv)
      try {
        // Its number there is another one than here.
        return await look(`/proc/${await processWith(argv)}/root`)
      } finally {
        await docker('rm', '-f', mark)
      }
    }
  }
}

/** Nothing runs in it: what is done in a container is done in its files. */
export function peerPodman(folder: string): PeerEngine {
  const podman = async (...argv: readonly string[]) => (await podmanIn(folder)(...argv)).trim()
  const idOf = async (name: string) => `sha256:${await podman('image', 'inspect', '-f', '{{.Id}}', name)}`
  return {
    async pull(name) {
      await podman('pull', '-q', '--tls-verify=false', name)
      return idOf(name)
    },
    async push(name, to) {
      await podman('push', '-q', '--tls-verify=false', name, to)
    },
    async commit(name, script, to) {
      const container = await podman('create', name)
      await run(['chroot', await podman('mount', container), 'sh', '-e', '-c', script])
      await podman('umount', container)
      await podman('commit', '-q', container, to)
      await podman('rm', container)
      return idOf(to)
    },
    async withRoot(name, look) {
      const root = await podman('image', 'mount', name)
      try {
        return await look(root)
      } finally {
        await podman('image', 'umount', name)
      }
    }
  }
}

/** The process of this machine that was started with these arguments, in whatever namespaces it is. */
async function processWith(argv: readonly string[]): Promise<number> {
  const wanted = `${argv.join('\0')}\0`
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    if ((await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')) === wanted) return Number(name)
  }
  throw new Error(`No process was started as ${argv.join(' ')}`)
}
