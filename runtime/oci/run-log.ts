/** Where an OCI runtime writes what it has to say of a bundle. */
export function logPath(bundle: string): string {
  return `${bundle}/runtime.log`
}

/** The errors of a log of JSON lines, as one text; undefined where there are none. */
export function saidIn(log: string): string | undefined {
  const messages = log.split('\n').flatMap(line => messageOf(line))
  return messages.length === 0 ? undefined : messages.join('; ')
}

function messageOf(line: string): string[] {
  try {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null || !('msg' in entry)) return []
    // crun writes no level in some versions; warnings are not why a start failed.
    const level = 'level' in entry ? entry.level : 'error'
    return level === 'error' || level === 'fatal' ? [String(entry.msg)] : []
  } catch {
    return line.trim() === '' ? [] : [line]
  }
}
