import { hostname } from 'node:os'
import type { ExecConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { capabilitiesOf } from '../oci/capabilities.js'
import { environmentOf } from '../oci/environment.js'
import { rlimitsOf } from '../oci/resources.js'
import type { SpecProcess } from '../oci/runtime-spec.js'
import { securityOptions } from '../oci/security-options.js'
import { resolveUser } from '../oci/user.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

/** User databases larger than this are refused rather than read into memory. */
const userFileLimitBytes = 4 * 1024 ** 2

/**
 * The process of an exec, for the OCI runtime: the container's environment, folder, user and limits, where nothing else is asked for.
 *
 * @throws EngineError `invalid_argument` for a user that the container does not know, or a folder that is not absolute
 */
export async function execSpec(
  context: ContainerContext,
  { state, config, hostConfig }: ContainerRecord,
  request: { readonly settings: ExecConfig; readonly argv: readonly string[]; readonly consoleSize: readonly number[] | undefined }
): Promise<SpecProcess> {
  const { settings, argv } = request
  // Some OCI runtimes take it as relative to the root.
  if (settings.WorkingDir && !settings.WorkingDir.startsWith('/')) {
    throw new EngineError('invalid_argument', 'OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown', {
      details: { field: 'WorkingDir', value: settings.WorkingDir }
    })
  }
  const root = `/proc/${state.pid}/root`
  const read = async (path: string) => Buffer.from((await context.host.readFileIn(root, path, userFileLimitBytes)) ?? '').toString('utf8')
  const [passwd, group] = await Promise.all([read('/etc/passwd'), read('/etc/group')])
  const user = resolveUser(settings.User || config.User || '', { passwd, group }, hostConfig.GroupAdd ?? [])
  const capabilities = capabilitiesOf(
    {
      privileged: (settings.Privileged ?? false) || (hostConfig.Privileged ?? false),
      add: hostConfig.CapAdd ?? [],
      drop: hostConfig.CapDrop ?? []
    },
    context.availableCapabilities
  )
  const effective = user.uid === 0 ? capabilities : []
  const tty = settings.Tty ?? false
  const rlimits = rlimitsOf(hostConfig)
  const [height, width] = request.consoleSize ?? settings.ConsoleSize ?? []
  return {
    terminal: tty,
    ...(tty && height && width ? { consoleSize: { height, width } } : {}),
    user: { uid: user.uid, gid: user.gid, ...(user.additionalGids && { additionalGids: user.additionalGids }) },
    args: argv,
    env: environmentOf({
      hostname: config.Hostname || hostname(),
      tty,
      home: user.home,
      variables: [...(config.Env ?? []), ...(settings.Env ?? [])]
    }),
    cwd: settings.WorkingDir || config.WorkingDir || '/',
    capabilities: { bounding: capabilities, effective, permitted: effective },
    ...(rlimits.length > 0 && { rlimits }),
    noNewPrivileges: securityOptions(hostConfig.SecurityOpt ?? []).noNewPrivileges,
    ...(hostConfig.OomScoreAdj !== undefined && { oomScoreAdj: hostConfig.OomScoreAdj })
  }
}
