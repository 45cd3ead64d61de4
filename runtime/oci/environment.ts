const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What a process's environment is made from. */
export interface EnvironmentRequest {
  readonly hostname: string
  readonly tty: boolean
  readonly home: string
  /** Later ones win; a name without a value takes the variable away. */
  readonly variables: readonly string[]
}

/** The order in which Docker builds it: defaults, then the image's and the caller's variables over them. */
export function environmentOf({ hostname, tty, home, variables }: EnvironmentRequest): readonly string[] {
  const environment = new Map<string, string>()
  const defaults = [defaultPath, `HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : [])]
  for (const pair of [...defaults, ...variables]) {
    const equals = pair.indexOf('=')
    const name = equals === -1 ? pair : pair.slice(0, equals)
    if (equals === -1) environment.delete(name)
    else environment.set(name, pair)
  }
  if (!environment.has('HOME')) environment.set('HOME', `HOME=${home}`)
  return [...environment.values()]
}
