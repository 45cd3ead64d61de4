import { EngineError } from '../../errors/index.js'
import { checkTexts } from '../checks.js'

/** Variables for a container's environment, copied. */
export function checkVariables(path: string, value: unknown): Readonly<Record<string, string>> {
  const variables = checkTexts(path, value)
  for (const name of Object.keys(variables)) {
    if (name.includes('=')) throw new EngineError('invalid_argument', `${path}: a variable's name cannot hold "=": ${name}`)
  }
  return variables
}
