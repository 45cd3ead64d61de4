import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, open, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** A program that the lab needs, and the Debian package that brings it. */
export interface Part {
  readonly binary: string
  readonly debianPackage: string
  /** The program is copied into images, where no shared library is. */
  readonly staticallyLinked?: boolean
}

/** Every part of the lab, by the name that skips are reported under. */
export const parts = {
  ip: { binary: 'ip', debianPackage: 'iproute2' },
  unshare: { binary: 'unshare', debianPackage: 'util-linux' },
  registry: { binary: 'docker-registry', debianPackage: 'docker-registry' },
  busybox: { binary: 'busybox', debianPackage: 'busybox-static', staticallyLinked: true },
  mmdebstrap: { binary: 'mmdebstrap', debianPackage: 'mmdebstrap' },
  dockerd: { binary: 'dockerd', debianPackage: 'docker.io' },
  'docker-init': { binary: 'docker-init', debianPackage: 'tini' },
  crun: { binary: 'crun', debianPackage: 'crun' },
  runc: { binary: 'runc', debianPackage: 'runc' },
  conmon: { binary: 'conmon', debianPackage: 'conmon' },
  nft: { binary: 'nft', debianPackage: 'nftables' },
  // The program proves that the library it is made of is there: libisal2.
  isal: { binary: 'igzip', debianPackage: 'isal' },
  // A credential helper, and what it keeps secrets with.
  'docker-credential-pass': { binary: 'docker-credential-pass', debianPackage: 'golang-docker-credential-helpers' },
  pass: { binary: 'pass', debianPackage: 'pass' },
  gpg: { binary: 'gpg', debianPackage: 'gnupg' },
  // Other engines' tools, for what images they write and read.
  skopeo: { binary: 'skopeo', debianPackage: 'skopeo' },
  podman: { binary: 'podman', debianPackage: 'podman' },
  // Brings docker-py.
  'docker-compose': { binary: 'docker-compose', debianPackage: 'docker-compose' }
} as const satisfies Readonly<Record<string, Part>>

/** Name of a part. */
export type PartName = keyof typeof parts

/** A part that isn't there, and why not. */
export interface MissingPart {
  readonly part: string
  readonly reason: string
}

/** Programs by part name, and what could not be had. */
export interface FoundParts {
  readonly paths: ReadonlyMap<PartName, string>
  readonly missing: readonly MissingPart[]
}

const administratorFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']

/** Find the parts; where this is root on a machine with apt-get, install what is missing first. Never rejects for a missing part. */
export async function findParts(names: readonly PartName[]): Promise<FoundParts> {
  const first = await locate(names)
  if (first.absent.length === 0) return { paths: first.paths, missing: [] }
  const obstacle = await install([...new Set(first.absent.map(name => parts[name].debianPackage))])
  const second = await locate(names)
  const missing = second.absent.map(name => ({
    part: name,
    reason: `${parts[name].binary} (Debian package ${parts[name].debianPackage}) is not on this machine${obstacle === undefined ? '' : `: ${obstacle}`}`
  }))
  return { paths: second.paths, missing }
}

async function locate(names: readonly PartName[]): Promise<{ paths: Map<PartName, string>; absent: PartName[] }> {
  const paths = new Map<PartName, string>()
  const absent: PartName[] = []
  for (const name of names) {
    const path = await which(parts[name])
    if (path === undefined) absent.push(name)
    else paths.set(name, path)
  }
  return { paths, absent }
}

async function which(part: Part): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...administratorFolders]
  for (const folder of folders) {
    const path = join(folder, part.binary)
    if (!(await isExecutable(path))) continue
    if (part.staticallyLinked && !(await isStatic(path))) continue
    return path
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false
  )
}

/** A dynamically linked ELF file names its loader right behind the program headers. */
async function isStatic(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const head = Buffer.alloc(4096)
    await file.read(head, 0, head.length, 0)
    return !head.includes('/ld-')
  } finally {
    await file.close()
  }
}

/** What stood in the way, undefined when nothing did. */
async function install(packages: readonly string[]): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'installing it needs root'
  if ((await which({ binary: 'apt-get', debianPackage: 'apt' })) === undefined) return 'there is no apt-get to install it with'
  const release = await keepServicesStopped()
  try {
    const arguments_ = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages]
    const first = await aptGet(arguments_)
    if (first.code === 0) return undefined
    // A fresh machine has no package lists yet.
    await aptGet(['update'])
    const second = await aptGet(arguments_)
    return second.code === 0 ? undefined : `apt-get said: ${second.output.trim().split('\n').slice(-3).join(' ')}`
  } finally {
    await release()
  }
}

const policyFile = '/usr/sbin/policy-rc.d'
const policy = '#!/bin/sh\n# The test lab is installing programs; safe to delete.\nexit 101\n'

/** Packages such as docker.io start a daemon when they are installed; the lab starts its own. */
async function keepServicesStopped(): Promise<() => Promise<void>> {
  const existing = await readFile(policyFile, 'utf8').catch(() => undefined)
  // One that is there already is the administrator's, unless an install of ours was killed.
  if (existing !== undefined && existing !== policy) return async () => {}
  await writeFile(policyFile, policy, { mode: 0o755 })
  return () => rm(policyFile, { force: true })
}

function aptGet(arguments_: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise(resolve => {
    const child = spawn('apt-get', arguments_, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', error => resolve({ code: null, output: error.message }))
    child.on('close', code => resolve({ code, output }))
  })
}
