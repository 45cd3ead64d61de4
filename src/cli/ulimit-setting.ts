/** A limit of the processes of containers that set none of this name. */
export interface UlimitSetting {
  readonly Name: string
  readonly Soft: number
  readonly Hard: number
}

const names: ReadonlySet<string> = new Set([
  ...['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime', 'sigpending'],
  'stack'
])

/** Take `nofile=1024:2048` apart, as `--ulimit` has it. Undefined where it is none. */
export function parseUlimit(text: string): UlimitSetting | undefined {
  const [, name = '', soft = '', hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? []
  return checked({ Name: name, Soft: Number(soft), Hard: Number(hard) })
}

/** dockerd's `default-ulimits`: limits by name, whose own name is the same where there is one. */
export function ulimitsOfFile(value: unknown): readonly UlimitSetting[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const limits = Object.entries(value).map(([key, limit]) => {
    const { Name = key, Soft, Hard, ...rest } = (limit ?? {}) as Partial<Record<string, unknown>>
    if (typeof Soft !== 'number' || typeof Hard !== 'number' || Name !== key || Object.keys(rest).length > 0) return undefined
    return checked({ Name: key, Soft, Hard })
  })
  const known = limits.filter(limit => limit !== undefined)
  return known.length === limits.length ? known : undefined
}

/** -1 is without limit. */
function checked(limit: UlimitSetting): UlimitSetting | undefined {
  const { Name, Soft, Hard } = limit
  const isOrdered = Hard === -1 || (Soft !== -1 && Soft <= Hard)
  return names.has(Name) && Number.isInteger(Soft) && Number.isInteger(Hard) && Soft >= -1 && Hard >= -1 && isOrdered ? limit : undefined
}
