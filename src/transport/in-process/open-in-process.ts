import type { RuntimeOptions } from '../../../runtime/index.js'
import { InProcessTransport } from './in-process-transport.js'

/** What `createEngine` hands to the runtime of this process. */
export type InProcessOptions = RuntimeOptions

/**
 * The engine of this process: no socket, no JSON between. The runtime is loaded here and nowhere else in `src`.
 *
 * @throws EngineError `not_supported` or `permission_denied` where this host cannot run containers: what is missing, and what to use instead
 */
export async function openInProcess(options: InProcessOptions = {}): Promise<InProcessTransport> {
  const { createRuntime } = await import('../../../runtime/index.js')
  return new InProcessTransport(await createRuntime(options))
}

/** Whether this host can run containers in this process, and why not. */
export async function probeInProcess(
  options: Pick<InProcessOptions, 'runtime'> = {}
): Promise<{ readonly usable: boolean; readonly reason: string; readonly fix?: string }> {
  const { probeRuntime } = await import('../../../runtime/index.js')
  return probeRuntime(options)
}
