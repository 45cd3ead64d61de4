import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { runCommand } from './run-command.mjs'
import { hasCommand } from './system-packages.mjs'

/**
 * What tests could leave on this machine, as a list of lines: mounts, network devices and namespaces, nftables tables,
 * cgroups, and processes of container tools. Linux only; elsewhere the list is empty.
 */
export async function hostState() {
  if (process.platform !== 'linux') return []
  return [...mounts(), ...entries('network device', '/sys/class/net'), ...entries('network namespace', '/run/netns'), ...(await tables())]
    .concat(cgroups('/sys/fs/cgroup', 4))
    .concat(processes())
}

function mounts() {
  return readLines('/proc/self/mountinfo').map(line => `mount ${line.split(' ')[4]}`)
}

function entries(what, folder) {
  return list(folder).map(name => `${what} ${name}`)
}

async function tables() {
  if (process.getuid() !== 0 || !hasCommand('nft')) return []
  const { output } = await runCommand(['nft', 'list', 'tables'])
  return output
    .split('\n')
    .filter(line => line.startsWith('table '))
    .map(line => `nftables ${line}`)
}

function cgroups(folder, depth) {
  if (depth === 0) return []
  return list(folder, true).flatMap(name => {
    const inner = path.join(folder, name)
    return [`cgroup ${inner}`, ...cgroups(inner, depth - 1)]
  })
}

const tools = new Set(['crun', 'runc', 'conmon', 'dockerd', 'containerd', 'containerd-shim', 'docker-registry', 'registry'])

function processes() {
  return list('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      const [command] = readLines(`/proc/${pid}/comm`)
      return command !== undefined && tools.has(command) ? [`process ${command} ${pid}`] : []
    })
}

function list(folder, foldersOnly = false) {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(entry => !foldersOnly || entry.isDirectory())
      .map(entry => entry.name)
  } catch {
    return [] // Not there, or gone while we looked: nothing was left there.
  }
}

function readLines(file) {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(line => line !== '')
  } catch {
    return [] // A process that ended meanwhile.
  }
}
