/** One challenge of a `WWW-Authenticate` header: RFC 9110, section 11.3. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

const parameter = /^\s*,?\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/
const schemeName = /^\s*,?\s*([\w!#$%&'*+.^`|~-]+)(?=\s|,|$)/

/** Read all challenges of a header; what cannot be read ends the list. */
export function parseChallenges(header: string | null): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  let rest = header ?? ''
  while (rest.trim() !== '') {
    const pair = parameter.exec(rest)
    const current = challenges.at(-1)
    if (pair !== null && current !== undefined) {
      const [whole, name = '', quoted, token = ''] = pair
      current.parameters[name.toLowerCase()] = quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1')
      rest = rest.slice(whole.length)
      continue
    }
    const scheme = pair === null ? schemeName.exec(rest) : null
    if (scheme === null) break
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: {} })
    rest = rest.slice(scheme[0].length)
  }
  return challenges
}
