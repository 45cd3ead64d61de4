import type { Engine, EngineOptions } from './engine.js'

/**
 * An engine. Without options: what the environment or the docker context names, which then has to work; else this host itself, where it
 * can run containers; else the first well-known socket that answers. `engine.explain()` tells what was considered.
 *
 * Everything that takes long to load is loaded here, and not with the package.
 *
 * @throws EngineError `unavailable` when there is no engine, with everything that was tried and what would help; `invalid_argument` for
 * options that are wrong or contradict each other
 * @example
 * await using engine = await createEngine()
 * const kernel = await engine.image('alpine').run(['uname', '-r']).text()
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { openEngine } = await import('./choose/open-engine.js')
  return openEngine(options)
}
