import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { release } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { EngineError } from '../../src/errors/engine-error.js'
import { type CgroupLayout, parseCgroupLayout } from './cgroup-layout.js'
import { openKernel } from './koffi-kernel.js'

/** What this host can do, and why not. */
export interface HostReport {
  /** Nothing is missing. */
  readonly usable: boolean
  readonly missing: readonly MissingPart[]
  /** Absolute path of the OCI runtime, '' when there is none. */
  readonly runtimePath: string
  /** Absolute path of `nft`, '' when there is none. */
  readonly nftPath: string
  readonly cgroups: CgroupLayout
}

export interface MissingPart {
  readonly part: 'linux' | 'root' | 'koffi' | 'overlay' | 'namespaces' | 'cgroups' | 'oci-runtime' | 'nftables'
  /** What is wrong, for people. */
  readonly reason: string
  /** What to do about it: a command line where there is one. */
  readonly fix: string
}

const remoteInstead = "use a remote engine: set DOCKER_HOST, or pass { host: 'unix:///run/docker.sock' } or { host: 'ssh://user@machine' }"
const runtimesByPreference = ['crun', 'runc']
/** Programs of the system that the PATH of an ordinary user often leaves out. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** What mounting, networking and unpacking with owners take, by their numbers in capabilities(7). */
const neededCapabilities: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_NET_ADMIN: 12,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_ADMIN: 21,
  CAP_MKNOD: 27
}

/**
 * Look at this host: nothing is changed, nothing is started.
 *
 * @param options.runtime an OCI runtime by name or path. @default crun, else runc
 */
export async function probeHost(options: { readonly runtime?: string } = {}): Promise<HostReport> {
  const none: CgroupLayout = { kind: 'none', hierarchies: [] }
  if (process.platform !== 'linux') {
    const part: MissingPart = {
      part: 'linux',
      reason: `containers run in this process on Linux only, this is ${process.platform}`,
      fix: remoteInstead
    }
    return { usable: false, missing: [part], runtimePath: '', nftPath: '', cgroups: none }
  }
  const names = options.runtime === undefined ? runtimesByPreference : [options.runtime]
  const [runtimePath, nftPath, cgroups, ...found] = await Promise.all([
    findProgram(names),
    findProgram(['nft']),
    readCgroupLayout(),
    checkRoot(),
    checkKoffi(),
    checkOverlay(),
    checkNamespaces()
  ])
  const missing = [
    ...found,
    cgroups.kind === 'none' ? noCgroups : undefined,
    runtimePath === '' ? noRuntime(options.runtime) : undefined,
    nftPath === '' ? noNft : undefined
  ].filter(part => part !== undefined)
  return { usable: missing.length === 0, missing, runtimePath, nftPath, cgroups }
}

/** A report in words: what `engine.explain()` and error messages say. */
export function explainReport(report: HostReport): { readonly reason: string; readonly fix?: string } {
  if (report.usable) return { reason: `this host can run containers, with ${report.runtimePath} (cgroup ${report.cgroups.kind})` }
  const reasons = report.missing.map(part => part.reason)
  const fixes = [...new Set(report.missing.map(part => part.fix))]
  return { reason: `this host cannot run containers in this process: ${reasons.join('; ')}`, fix: fixes.join('; ') }
}

const noCgroups: MissingPart = {
  part: 'cgroups',
  reason: 'no control groups are mounted',
  fix: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup'
}

const noNft: MissingPart = {
  part: 'nftables',
  reason: 'the program nft, which sets up address translation, is not installed',
  fix: 'apt-get install nftables'
}

function noRuntime(wanted: string | undefined): MissingPart {
  return wanted === undefined
    ? { part: 'oci-runtime', reason: 'no OCI runtime (crun or runc) is installed', fix: 'apt-get install crun' }
    : {
        part: 'oci-runtime',
        reason: `the OCI runtime '${wanted}' is not an executable file or a program on PATH`,
        fix: 'name one that is there, as in { runtime: "/usr/bin/crun" }'
      }
}

async function checkRoot(): Promise<MissingPart | undefined> {
  const fix = `run as root (sudo), or ${remoteInstead}`
  const lacking = missingCapabilities(await readFile('/proc/self/status', 'utf8'))
  if (lacking.length > 0) {
    return { part: 'root', reason: `this process is not root (user ${process.geteuid?.()}): it lacks ${lacking.join(', ')}`, fix }
  }
  // Root of a user namespace has every capability there, and still cannot make devices or stack layers that hold some.
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '')
  if (map === '' || /^\s*0\s+0\s+4294967295\s*$/.test(map)) return undefined
  return { part: 'root', reason: 'this process is root of a user namespace only, not of the machine', fix }
}

/** Those needed that the effective set of a `/proc/<pid>/status` does not have. */
export function missingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return Object.entries(neededCapabilities).flatMap(([name, bit]) => (((effective >> BigInt(bit)) & 1n) === 1n ? [] : [name]))
}

async function checkKoffi(): Promise<MissingPart | undefined> {
  try {
    await openKernel()
    return undefined
  } catch (error) {
    if (!EngineError.is(error)) throw error
    return { part: 'koffi', reason: error.message, fix: 'npm i koffi' }
  }
}

async function checkOverlay(): Promise<MissingPart | undefined> {
  const known = await readFile('/proc/filesystems', 'utf8').catch(() => '')
  if (/\boverlay$/m.test(known)) return undefined
  // A module is loaded by the first mount.
  const modules = `/lib/modules/${release()}`
  const lists = await Promise.all(['modules.dep', 'modules.builtin'].map(name => readFile(join(modules, name), 'utf8').catch(() => '')))
  if (lists.some(list => list.includes('/overlay.ko'))) return undefined
  return { part: 'overlay', reason: 'this kernel has no overlayfs', fix: 'modprobe overlay, or a kernel built with CONFIG_OVERLAY_FS' }
}

async function checkNamespaces(): Promise<MissingPart | undefined> {
  const missing: string[] = []
  for (const kind of ['mnt', 'net', 'pid', 'ipc', 'uts', 'user']) {
    if (!(await isThere(`/proc/self/ns/${kind}`))) missing.push(kind)
  }
  if (missing.length === 0) return undefined
  return {
    part: 'namespaces',
    reason: `this kernel has no namespaces of the kind ${missing.join(', ')}`,
    fix: `use a kernel built with them, or ${remoteInstead}`
  }
}

/** The control groups of this machine. */
export async function readCgroupLayout(): Promise<CgroupLayout> {
  const mountInfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const controllers = new Map<string, string>()
  const trees = parseCgroupLayout(mountInfo, () => '').hierarchies.filter(hierarchy => hierarchy.version === 2)
  for (const { mountPoint } of trees) {
    controllers.set(mountPoint, await readFile(join(mountPoint, 'cgroup.controllers'), 'utf8').catch(() => ''))
  }
  return parseCgroupLayout(mountInfo, mountPoint => controllers.get(mountPoint) ?? '')
}

/** The first of the names that is a program; a name with a slash is a path. '' when none is. */
async function findProgram(names: readonly string[]): Promise<string> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders].filter(isAbsolute)
  for (const name of names) {
    const candidates = name.includes('/') ? [resolve(name)] : folders.map(folder => join(folder, name))
    for (const candidate of candidates) if (await isProgram(candidate)) return candidate
  }
  return ''
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
