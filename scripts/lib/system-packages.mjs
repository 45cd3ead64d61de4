import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runCommand } from './run-command.mjs'

/**
 * Programs that come from the system, by the command that proves they are there.
 *
 * @typedef {{ readonly command: string, readonly debianPackage: string, readonly isOptional?: boolean }} SystemProgram
 */

/**
 * Install what is missing, where we may: as root, on Debian or Ubuntu. Elsewhere nothing is touched. What is optional comes along, and is not
 * missed.
 *
 * @param {readonly SystemProgram[]} programs
 * @param {(line: string) => void} say
 * @returns {Promise<{ missing: readonly SystemProgram[], advice?: string }>} what is still missing, and the line that would
 *   install it
 */
export async function ensureSystemPrograms(programs, say) {
  const absent = programs.filter(program => !hasCommand(program.command))
  const missing = absent.filter(program => !program.isOptional)
  if (missing.length === 0) return { missing }
  const names = namesOf(missing)
  if (process.platform !== 'linux') return { missing }
  if (!isDebianFamily() || !hasCommand('apt-get')) return { missing, advice: `install ${names.join(', ')} with your package manager` }
  if (process.getuid() !== 0) return { missing, advice: `sudo apt-get install -y --no-install-recommends ${names.join(' ')}` }
  say(`system packages: installing ${names.join(', ')}`)
  let problem = await aptInstall(namesOf(absent))
  // An older release may not have what is optional.
  if (problem !== undefined && absent.length > missing.length) problem = await aptInstall(names)
  const still = missing.filter(program => !hasCommand(program.command))
  if (still.length === 0) return { missing: still }
  if (problem !== undefined) say(problem)
  return { missing: still, advice: `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}` }
}

function namesOf(programs) {
  return [...new Set(programs.map(program => program.debianPackage))]
}

/** Whether a command is on the PATH, or where system tools live that an ordinary user's PATH leaves out. */
export function hasCommand(command) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.some(folder => folder !== '' && isExecutable(path.join(folder, command)))
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isDebianFamily() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

async function aptInstall(names) {
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...names]
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  return withServicesOff(async () => {
    // The package lists of a fresh machine are empty or old: refresh them only when the first try fails.
    if ((await runCommand(install, { env })).code === 0) return undefined
    const update = await runCommand(['apt-get', 'update', '-q', '-o', 'DPkg::Lock::Timeout=300'], { env })
    const second = await runCommand(install, { env })
    if (second.code === 0) return undefined
    return `apt-get failed:\n${lastLines(update.code === 0 ? second.output : update.output + second.output)}`
  })
}

/**
 * docker.io and docker-registry start a daemon when they are installed; we only want their programs. policy-rc.d is Debian's
 * way to say so. One that is there already is the administrator's and is left alone.
 */
async function withServicesOff(action) {
  const policy = '/usr/sbin/policy-rc.d'
  const ours = '#!/bin/sh\n# Put here by gantry while it installs test tools; safe to delete.\nexit 101\n'
  if (existsSync(policy) && readFileSync(policy, 'utf8') !== ours) return action()
  const remove = () => rmSync(policy, { force: true })
  const interrupted = signal => {
    remove()
    process.kill(process.pid, signal)
  }
  writeFileSync(policy, ours, { mode: 0o755 })
  process.once('exit', remove)
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    return await action()
  } finally {
    remove()
    process.off('exit', remove)
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
  }
}

function lastLines(text) {
  return text.trimEnd().split('\n').slice(-12).join('\n')
}
