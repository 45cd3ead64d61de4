import type { TrustPolicy, TrustRules } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { familiar, type Reference } from '../registry/reference.js'
import { findSignatures, type SignaturePlace } from './find-signatures.js'
import type { Requirement } from './requirement.js'
import { SignatureProblem, type Subject } from './signature.js'
import { CompiledRules, compileRule, type FoundRule } from './trust-rules.js'

/** Decides whether an image may come in. */
export interface TrustGate {
  /**
   * What an image has to pass; undefined where nothing is asked of it.
   *
   * @param verify - What the caller asks for, besides the engine's rules
   * @throws EngineError `untrusted` where it is clear without looking; `invalid_argument`, `not_supported` for a policy that cannot be gone by
   */
  checkFor(reference: Reference, verify?: TrustPolicy): TrustCheck | undefined
}

/** @throws EngineError `untrusted` with what was looked for and what was found; else what the registry fails with */
export type TrustCheck = (image: Pick<Subject, 'digest' | 'bytes'>, access: SignaturePlace['access']) => Promise<void>

/** A gate whose rules may change while the engine runs. */
export interface LiveTrustGate extends TrustGate {
  /** Read other rules. What it gives puts them in force. @throws EngineError `invalid_argument`, `not_supported`; then nothing changes */
  compile(rules: TrustRules): () => void
}

/** The engine's rules, and the registry that has the signatures. */
export interface TrustGateOptions {
  readonly registry: SignaturePlace['registry']
  /** @default none: what no rule is for is accepted */
  readonly rules?: TrustRules
}

/** @throws EngineError `invalid_argument`, `not_supported` naming the rule */
export function createTrustGate({ registry, rules = {} }: TrustGateOptions): LiveTrustGate {
  let compiled = new CompiledRules(rules)
  return {
    checkFor(reference, verify) {
      const found = compiled.find(reference)
      const all = [found?.rule ?? 'accept', ...(verify === undefined ? [] : [compileRule('verify', verify)])]
      if (all.includes('reject'))
        throw refused(reference, `the engine's rule for ${found?.pattern} is to reject it`, { pattern: found?.pattern })
      const wanted = all.filter(rule => typeof rule !== 'string')
      if (wanted.length > 0) return (image, access) => checkAll({ ...image, reference }, wanted, { registry, access })
      if (all.includes('reject-unsigned')) throw nobodyToTrust(reference, found)
      return undefined
    },
    compile(next) {
      const ready = new CompiledRules(next)
      return () => {
        compiled = ready
      }
    }
  }
}

/** Of each requirement one signature has to be; the signatures are fetched as they are needed, and once. */
async function checkAll(subject: Subject, requirements: readonly Requirement[], place: SignaturePlace): Promise<void> {
  const left = new Map(requirements.map(requirement => [requirement, [] as string[]]))
  let count = 0
  for await (const { source, read } of findSignatures(subject, place)) {
    count++
    const statement = await read().catch((error: unknown) => problemOf(error))
    for (const [requirement, problems] of left) {
      const problem = typeof statement === 'string' ? statement : problemWith(() => requirement.check(statement))
      if (problem === undefined) left.delete(requirement)
      else problems.push(`${source}: ${problem}`)
    }
    if (left.size === 0) return
  }
  const [missing] = left
  if (missing === undefined) return
  const [{ wanted }, problems] = missing
  const found = count === 0 ? 'it has no signature' : `found ${count} that do not count: ${summary(problems)}`
  throw refused(subject.reference, `looked for ${wanted} for ${subject.digest}; ${found}`, {
    digest: subject.digest,
    wanted,
    found: problems
  })
}

function problemWith(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return problemOf(error)
  }
}

function problemOf(error: unknown): string {
  if (error instanceof SignatureProblem) return error.message
  throw error
}

const shownProblems = 4

function summary(problems: readonly string[]): string {
  const different = [...new Set(problems)]
  const more = different.length - shownProblems
  return different.slice(0, shownProblems).join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** A signature alone says nothing: somebody has to say whose counts. */
function nobodyToTrust(reference: Reference, found: FoundRule | undefined): EngineError {
  const rule = found === undefined ? 'no rule of the engine is for it' : `the engine's rule for ${found.pattern} names nobody`
  const help = 'Set a rule with { keyPem } or { identity, issuer, trustedRoot } (option trust; trust-policy of gantry daemon)'
  const why = `unsigned images are rejected, and nothing says whose signature counts: ${rule}. ${help}`
  return refused(reference, why, { pattern: found?.pattern })
}

function refused(reference: Reference, why: string, details: Readonly<Record<string, unknown>>): EngineError {
  const name = familiar(reference)
  return new EngineError('untrusted', `cannot pull ${name}: it is not trusted: ${why}`, { details: { reference: name, ...details } })
}
