import type { SeccompCompiler } from '../host/seccomp-compiler.js'
import { seccompProfile } from './seccomp-profile.js'

/** crun's annotation for a filter that is compiled already, in base64. It stands in place of the specification's seccomp section. */
export const seccompProgramAnnotation = 'run.oci.seccomp_bpf_data'

/** Compiled default filters by the capabilities that they depend on. */
export interface SeccompPrograms {
  /** In base64; undefined where the OCI runtime has to compile the profile itself. */
  find(capabilities: readonly string[], architecture: string): string | undefined
}

/** Compile each filter once. Without a compiler, or for a runtime that takes no compiled filters, there are none. */
export function createSeccompPrograms(compiler: SeccompCompiler | undefined, runtimeName: string): SeccompPrograms {
  if (compiler === undefined || !runtimeName.includes('crun')) return { find: () => undefined }
  const programs = new Map<string, string | undefined>()
  return {
    find(capabilities, architecture) {
      const key = `${architecture} ${capabilities.join()}`
      if (!programs.has(key)) {
        const program = compiler.compile(seccompProfile(capabilities, architecture))
        programs.set(key, program === undefined ? undefined : Buffer.from(program).toString('base64'))
      }
      return programs.get(key)
    }
  }
}
