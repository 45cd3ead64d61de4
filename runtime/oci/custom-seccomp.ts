import { EngineError } from '../../src/errors/index.js'
import type { SpecSeccomp, SpecSyscallRule } from './runtime-spec.js'

/** A condition on the host: capabilities of the container, machine architecture in Go's words. */
interface Condition {
  readonly caps?: readonly string[]
  readonly arches?: readonly string[]
}

/** A rule in Docker's format of profiles (moby's profiles/seccomp). */
interface ProfileRule {
  readonly names?: readonly string[]
  readonly name?: string
  readonly action: SpecSyscallRule['action']
  readonly errnoRet?: number
  readonly args?: readonly NonNullable<SpecSyscallRule['args']>[number][] | null
  readonly includes?: Condition
  readonly excludes?: Condition
}

interface Profile {
  readonly defaultAction: SpecSeccomp['defaultAction']
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[] | null
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[] | null
  readonly syscalls?: readonly ProfileRule[] | null
}

/** Go's and libseccomp's words for `process.arch`. */
const architectures: Readonly<Record<string, { readonly go: string; readonly scmp: string }>> = {
  x64: { go: 'amd64', scmp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', scmp: 'SCMP_ARCH_AARCH64' }
}

/**
 * A profile of the caller's, for the OCI runtime: rules that do not apply to this host or to these capabilities left out, as Docker does.
 *
 * @throws EngineError `failed` in Docker's words for a text that is no profile
 */
export function customProfile(text: string, capabilities: readonly string[], architecture: string): SpecSeccomp {
  const profile = parse(text)
  const own = architectures[architecture]
  const mapped = profile.archMap?.find(entry => entry.architecture === own?.scmp)
  const applies = ({ includes, excludes }: ProfileRule) => {
    const holds = (condition: Condition) =>
      (condition.caps ?? []).every(name => capabilities.includes(name)) &&
      (condition.arches === undefined || condition.arches.includes(own?.go ?? ''))
    const hit = ({ caps = [], arches = [] }: Condition) => caps.some(name => capabilities.includes(name)) || arches.includes(own?.go ?? '')
    return (includes === undefined || holds(includes)) && (excludes === undefined || !hit(excludes))
  }
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : (profile.architectures ?? []),
    syscalls: (profile.syscalls ?? []).filter(applies).map(({ names, name, action, errnoRet, args }) => ({
      names: names ?? (name === undefined ? [] : [name]),
      action,
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args && args.length > 0 && { args })
    }))
  }
}

function parse(text: string): Profile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EngineError('failed', `Decoding seccomp profile failed: ${(cause as Error).message}`, { cause })
  }
  if (typeof value !== 'object' || value === null || !('defaultAction' in value)) {
    throw new EngineError('failed', 'Decoding seccomp profile failed: it has no defaultAction')
  }
  // The OCI runtime refuses what is wrong in the rest, by name.
  return value as Profile
}
