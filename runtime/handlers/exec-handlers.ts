import type { Handlers, Hijacked } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { createExec, findExec, resizeExec, startDetached, startExec } from '../containers/exec.js'

/** The operations of `/exec`, and the one that sets an exec up. */
export function execHandlers(context: ContainerContext): Handlers {
  return {
    async ContainerExec({ path, body }) {
      return { Id: createExec(context, path.id, body).id }
    },

    async ExecStart({ path, body }) {
      if (body?.Detach) {
        await startDetached(context, path.id)
        return nothing
      }
      return startExec(context, path.id, body?.ConsoleSize ? { consoleSize: body.ConsoleSize } : {})
    },

    async ExecResize({ path, query }) {
      await resizeExec(context, path.id, { columns: query.w, rows: query.h })
      return { modified: true }
    },

    async ExecInspect({ path }) {
      const { id, containerId, settings, argv, state, detachKeys } = findExec(context, path.id)
      const [entrypoint = '', ...rest] = argv
      return {
        ID: id,
        Running: state.status === 'running',
        ExitCode: state.exitCode ?? null,
        ProcessConfig: {
          tty: settings.Tty ?? false,
          entrypoint,
          arguments: rest,
          privileged: settings.Privileged ?? false,
          ...(settings.User && { user: settings.User })
        },
        OpenStdin: settings.AttachStdin ?? false,
        OpenStderr: settings.AttachStderr ?? false,
        OpenStdout: settings.AttachStdout ?? false,
        CanRemove: state.status === 'exited' && state.pid > 0,
        ContainerID: containerId,
        // Go's encoding of bytes.
        DetachKeys: Buffer.from(detachKeys ?? []).toString('base64'),
        Pid: state.pid
      }
    }
  }
}

/** Of a process that runs on its own there is nothing to read. */
const nothing: Hijacked = {
  tty: false,
  output: (async function* () {})(),
  write: async () => {},
  closeWrite: async () => {},
  close: async () => {},
  [Symbol.asyncDispose]: async () => {}
}
