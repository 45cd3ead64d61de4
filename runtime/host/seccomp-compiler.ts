import { readSync } from 'node:fs'
import type { Kernel } from './kernel.js'

/** A system-call filter as the OCI runtime specification writes it. */
export interface FilterProfile {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly FilterRule[]
}

export interface FilterRule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }[]
}

/** Turns filters into the program that the kernel takes. */
export interface SeccompCompiler {
  /** The program, or undefined where it cannot be made here: then the OCI runtime has to make it at every start. */
  compile(profile: FilterProfile): Uint8Array | undefined
}

const actions: Readonly<Record<string, (errno: number) => number>> = {
  SCMP_ACT_ALLOW: () => 0x7fff0000,
  SCMP_ACT_ERRNO: errno => 0x00050000 | (errno & 0xffff)
}

const comparisons: Readonly<Record<string, number>> = { SCMP_CMP_NE: 1, SCMP_CMP_EQ: 4, SCMP_CMP_MASKED_EQ: 7 }

const defaultErrno = 1
/** SCMP_FLTATR_CTL_OPTIMIZE, and its value for a binary tree instead of a list: a call is looked up in a few steps. */
const optimizeAttribute = 8
const binaryTree = 2
/** BPF_MAXINSNS instructions of eight bytes. */
const largestProgramBytes = 4096 * 8

/**
 * The compiler that the OCI runtimes use, libseccomp, in this process. Compiling takes some ten milliseconds, as long as all the rest of a
 * container's start: done here once, it need not be done at every start.
 *
 * @returns undefined where libseccomp is not on this machine
 * @see seccomp_init(3), seccomp_rule_add(3), seccomp_export_bpf(3)
 */
export async function openSeccompCompiler(kernel: Pick<Kernel, 'pipe' | 'close'>): Promise<SeccompCompiler | undefined> {
  const library = await openLibrary()
  if (library === undefined) return undefined
  return { compile: profile => compileWith(library, kernel, profile) }
}

type Library = NonNullable<Awaited<ReturnType<typeof openLibrary>>>

async function openLibrary() {
  const { default: koffi } = await import('koffi')
  try {
    const library = koffi.load('libseccomp.so.2')
    const comparison = koffi.struct({ arg: 'uint', op: 'int', datumA: 'uint64', datumB: 'uint64' })
    return {
      init: library.func('void *seccomp_init(uint32 action)'),
      release: library.func('void seccomp_release(void *context)'),
      setAttribute: library.func('int seccomp_attr_set(void *context, int attribute, uint32 value)'),
      resolveArchitecture: library.func('uint32 seccomp_arch_resolve_name(str name)'),
      addArchitecture: library.func('int seccomp_arch_add(void *context, uint32 token)'),
      resolveCall: library.func('int seccomp_syscall_resolve_name(str name)'),
      addRule: library.func('seccomp_rule_add_array', 'int', ['void *', 'uint32', 'int', 'uint', koffi.pointer(comparison)]),
      exportProgram: library.func('int seccomp_export_bpf(void *context, int fd)')
    }
  } catch {
    return undefined
  }
}

/** Undefined for anything that this compiler does not know: the OCI runtime decides about it, and its error is the better one. */
function compileWith(library: Library, kernel: Pick<Kernel, 'pipe' | 'close'>, profile: FilterProfile): Uint8Array | undefined {
  const standard = actionOf(profile.defaultAction, profile.defaultErrnoRet)
  if (standard === undefined) return undefined
  const context: unknown = library.init(standard)
  if (context === null) return undefined
  try {
    library.setAttribute(context, optimizeAttribute, binaryTree)
    if (!profile.architectures.every(name => addArchitecture(library, context, name))) return undefined
    if (!profile.syscalls.every(rule => addRule(library, context, rule, standard))) return undefined
    return exportProgram(library, kernel, context)
  } finally {
    library.release(context)
  }
}

function actionOf(name: string, errno: number | undefined): number | undefined {
  return actions[name]?.(errno ?? defaultErrno)
}

/** `SCMP_ARCH_X86_64` is `x86_64` to libseccomp. Zero says that it does not know it; one that is there already is no error. */
function addArchitecture(library: Library, context: unknown, name: string): boolean {
  const token: number = library.resolveArchitecture(name.replace(/^SCMP_ARCH_/, '').toLowerCase())
  if (token === 0) return false
  const failure: number = library.addArchitecture(context, token)
  return failure === 0 || failure === -17
}

function addRule(library: Library, context: unknown, rule: FilterRule, standard: number): boolean {
  const action = actionOf(rule.action, rule.errnoRet)
  if (action === undefined) return false
  // What the default does anyway is no rule.
  if (action === standard) return true
  const conditions = (rule.args ?? []).map(({ index, op, value, valueTwo }) => ({
    arg: index,
    op: comparisons[op] ?? 0,
    datumA: value,
    datumB: valueTwo ?? 0
  }))
  if (conditions.some(({ op }) => op === 0)) return false
  return rule.names.every(name => {
    const call: number = library.resolveCall(name)
    // A call that this libseccomp has never heard of stays forbidden by the default.
    return call === -1 || library.addRule(context, action, call, conditions.length, conditions) === 0
  })
}

function exportProgram(library: Library, kernel: Pick<Kernel, 'pipe' | 'close'>, context: unknown): Uint8Array | undefined {
  // A pipe holds more than the largest program: writing never waits for the reader.
  const { read, write } = kernel.pipe()
  try {
    const failure: number = library.exportProgram(context, write)
    if (failure !== 0) return undefined
    const program = Buffer.alloc(largestProgramBytes)
    return program.subarray(0, readSync(read, program))
  } finally {
    kernel.close(write)
    kernel.close(read)
  }
}
