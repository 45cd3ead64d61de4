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
import { readUserDatabase } from './user-database.js'

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
  const users = await readUserDatabase(context.host, `/proc/${state.pid}/root`)
  const user = resolveUser(settings.User || config.User || '', users, hostConfig.GroupAdd ?? [])
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
