import { readdir, readFile, readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from 'gantry'
import { rootTag } from '../../runtime/containers/runtime-paths.js'
import { labPrefix } from './place.js'
import { run } from './programs.js'

/** What tests can leave behind, by kind; each entry is one line for people. */
export type HostSnapshot = Readonly<Record<Kind, readonly string[]>>

type Kind = 'mount' | 'network device' | 'network namespace' | 'nftables' | 'cgroup' | 'process' | 'file descriptor' | 'record'

/** Where to look. */
export interface SnapshotOptions {
  /**
   * Data roots under test. With them, only what is theirs counts where that can be told: processes that name one of them in
   * their command line; bridges, rules and control groups with their tag; mounts in them, of those among the temporary files. So other tests may run at the same time.
   */
  readonly roots?: readonly string[]
  /** Also its containers and its images count. */
  readonly engine?: Engine
}

/** Write down what is on this machine now. */
export async function snapshotHost(options: SnapshotOptions = {}): Promise<HostSnapshot> {
  const { roots = [], engine } = options
  const isOurs = ownership(roots)
  return {
    mount: (await mounts()).filter(isNoLab).filter(entry => roots.length === 0 || !isOfAnotherTest(entry, roots)),
    'network device': await networkDevices(isOurs),
    'network namespace': (await readdir('/run/netns').catch(() => [])).filter(isNoLab),
    nftables: (await rules()).filter(isOurs),
    cgroup: (await controlGroups('/sys/fs/cgroup', 5)).filter(isOurs),
    process: await processes(roots),
    'file descriptor': await fileDescriptors(),
    record: engine ? await records(engine) : []
  }
}

/** Whether a line of text names a data root's tag that is not one of these roots'. Without roots everything counts. */
function ownership(roots: readonly string[]): (entry: string) => boolean {
  const tags = new Set(roots.map(rootTag))
  return entry => {
    const named = [...entry.matchAll(/\bgantry[-_]([0-9a-f]{8})\b|\bgty([0-9a-f]{8})\b/g)].map(match => match[1] ?? match[2] ?? '')
    return tags.size === 0 || named.length === 0 || named.some(tag => tags.has(tag))
  }
}

/** A container's device is told by the bridge that it hangs on; one that hangs on none counts. */
async function networkDevices(isOurs: (entry: string) => boolean): Promise<string[]> {
  const names = (await readdir('/sys/class/net').catch(() => [])).filter(isNoLab)
  const found: string[] = []
  for (const name of names) {
    const bridge = await readlink(`/sys/class/net/${name}/master`).then(basename, () => undefined)
    const isBridge = await readdir(`/sys/class/net/${name}/bridge`).then(
      () => true,
      () => false
    )
    if (bridge !== undefined ? isOurs(bridge) : !isBridge || isOurs(name)) found.push(name)
  }
  return found
}

/** What is there after and was not before, one line each: an empty list is what a suite wants. */
export function leftovers(before: HostSnapshot, after: HostSnapshot): string[] {
  const kinds = Object.keys(after) as Kind[] // a snapshot has exactly the kinds
  return kinds.flatMap(kind => extra(before[kind], after[kind]).map(entry => `${kind}: ${entry}`))
}

/**
 * As {@link leftovers} of now, given a moment: the kernel frees namespaces in the background, and idle connections of `fetch`
 * close after some seconds.
 */
export async function leftoversSince(
  before: HostSnapshot,
  options: SnapshotOptions & { readonly withinMs?: number } = {}
): Promise<string[]> {
  const deadline = Date.now() + (options.withinMs ?? 10_000)
  for (;;) {
    const left = leftovers(before, await snapshotHost(options))
    if (left.length === 0 || Date.now() > deadline) return left
    await delay(100)
  }
}

/**
 * Other labs may start and stop meanwhile; {@link startLab} cleans up after itself. The mount over the folder of named network namespaces is
 * made by `ip netns` when it is first used on a machine, and stays.
 */
function isNoLab(entry: string): boolean {
  return !entry.includes(labPrefix) && !entry.startsWith('/run/netns (')
}

/** Tests mount things in folders of their own, and these in the folder of temporary files. */
function isOfAnotherTest(mount: string, roots: readonly string[]): boolean {
  return mount.startsWith(join(tmpdir(), '/')) && !roots.some(root => mount.startsWith(root))
}

/** Entries count one by one: five pipes instead of three are two left over. */
function extra(before: readonly string[], after: readonly string[]): string[] {
  const known = new Map<string, number>()
  for (const entry of before) known.set(entry, (known.get(entry) ?? 0) + 1)
  return after.filter(entry => {
    const count = known.get(entry) ?? 0
    known.set(entry, count - 1)
    return count <= 0
  })
}

async function mounts(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return lines(text).map(line => {
    // Field 5 is the mount point, the file system type is the first one after the separator.
    const [mount = '', source = ''] = line.split(' - ')
    return `${mount.split(' ')[4]} (${source.split(' ')[0]})`
  })
}

async function rules(): Promise<string[]> {
  const text = await run(['nft', '-j', 'list', 'ruleset']).catch(() => '{}')
  // The shape is that of libnftables-json(5).
  const { nftables = [] } = JSON.parse(text) as { nftables?: object[] }
  return nftables.filter(entry => !('metainfo' in entry)).map(entry => JSON.stringify(entry, withoutHandles))
}

/** Handles number anew whenever a table is loaded, and counters count. */
function withoutHandles(key: string, value: unknown): unknown {
  return key === 'handle' || key === 'packets' || key === 'bytes' ? undefined : value
}

async function controlGroups(folder: string, depth: number): Promise<string[]> {
  if (depth === 0) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter(entry => entry.isDirectory()).map(entry => join(folder, entry.name))
  const inner = await Promise.all(folders.map(path => controlGroups(path, depth - 1)))
  return [...folders.filter(path => path.includes('/gantry')), ...inner.flat()]
}

const tools = new Set(['crun', 'runc', 'conmon'])

async function processes(roots: readonly string[]): Promise<string[]> {
  const parents = new Map<number, number>()
  const found: string[] = []
  const pids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map(async pid => ({ pid, ...(await describeProcess(pid)) })))
  for (const { pid, parent } of all) parents.set(pid, parent)
  for (const { pid, command, argv } of all) {
    const isOurs = roots.length > 0 ? roots.some(root => argv.includes(root)) : tools.has(command)
    if (isOurs || isDescendant(pid, parents)) found.push(`${pid} ${argv === '' ? command : argv}`)
  }
  return found
}

async function describeProcess(pid: number): Promise<{ parent: number; command: string; argv: string }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const end = stat.lastIndexOf(')')
  return {
    command: stat.slice(stat.indexOf('(') + 1, end),
    parent: Number(stat.slice(end + 2).split(' ')[1] ?? 0),
    argv: argv.replaceAll('\0', ' ').trim()
  }
}

function isDescendant(pid: number, parents: ReadonlyMap<number, number>): boolean {
  for (let parent = parents.get(pid); parent !== undefined && parent > 0; parent = parents.get(parent))
    if (parent === process.pid) return true
  return false
}

/** By kind, not by number: `socket`, `pipe`, `anon_inode:[pidfd]`, or the path of a file. */
async function fileDescriptors(): Promise<string[]> {
  const names = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(names.map(name => readlink(`/proc/self/fd/${name}`).catch(() => undefined)))
  // libuv keeps one inotify descriptor for good once a file was watched.
  const passing = [undefined, `/proc/${process.pid}/fd`, 'anon_inode:inotify']
  return targets.filter(target => !passing.includes(target)).map(target => String(target).replace(/:\[\d+\]$/, ''))
}

async function records(engine: Engine): Promise<string[]> {
  const found: string[] = []
  for await (const container of engine.containers({ all: true })) found.push(`container ${container.id} ${container.name}`)
  for await (const image of engine.images()) found.push(`image ${image.id} ${image.tags.join(' ')}`)
  return found
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}
