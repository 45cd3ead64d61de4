import { EngineError } from '../../src/errors/index.js'

/** What an image is built for: OCI image-spec, image-index.md, in normalised spelling (`amd64`, `arm64` with variant `v8`). */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  x64: 'amd64',
  i386: '386',
  i686: '386',
  ia32: '386',
  aarch64: 'arm64',
  armhf: 'arm/v7',
  armel: 'arm/v6',
  ppc64el: 'ppc64le'
}

/**
 * Read `linux/arm64/v8`, `linux/x86_64` or an architecture alone, in any of the usual spellings (containerd's normalisation).
 *
 * @throws EngineError `invalid_argument`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/')
  const [first = '', second, third] = parts
  if (parts.length > 3 || parts.some(part => !/^[a-z0-9_.-]+$/.test(part)) || (second === undefined && knownSystems.has(first))) {
    throw new EngineError(
      'invalid_argument',
      `invalid platform ${JSON.stringify(text)}: write it as linux/amd64, linux/arm64 or linux/arm/v7`,
      {
        details: { platform: text }
      }
    )
  }
  if (second === undefined) return normalizePlatform({ os: 'linux', architecture: first })
  return normalizePlatform({ os: first, architecture: second, ...(third === undefined ? {} : { variant: third }) })
}

const knownSystems = new Set(['linux', 'windows', 'darwin', 'freebsd'])

/** One spelling for one platform: `arm64` always has variant `v8`, `arm` has `v7`, `amd64` has none for `v1`. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase()
  const spelled = architectures[platform.architecture.toLowerCase()] ?? platform.architecture.toLowerCase()
  const [architecture = spelled, impliedVariant] = spelled.split('/')
  const given = platform.variant?.toLowerCase() || impliedVariant
  const variant = normalizeVariant(architecture, given)
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

function normalizeVariant(architecture: string, variant: string | undefined): string | undefined {
  const versioned = variant !== undefined && /^[0-9]/.test(variant) ? `v${variant}` : variant
  if (architecture === 'arm64') return versioned ?? 'v8'
  if (architecture === 'arm') return versioned ?? 'v7'
  if (architecture === 'amd64' && versioned === 'v1') return undefined
  return versioned
}

/** `linux/arm/v7`; the variant that goes without saying is left out, as Docker prints it. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform)
  const implied = architecture === 'arm64' && variant === 'v8'
  return variant === undefined || implied ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/** The platform of containers on this machine: Linux, on this process's architecture. */
export function hostPlatform(): Platform {
  const variables = process.config.variables as { readonly arm_version?: string } // not in the types, set on ARM builds of Node
  const variant = process.arch === 'arm' && variables.arm_version !== undefined ? { variant: variables.arm_version } : {}
  return normalizePlatform({ os: 'linux', architecture: nodeArchitecture(), ...variant })
}

function nodeArchitecture(): string {
  // Node's ppc64 is big or little endian; every container image for it is little endian.
  return process.arch === 'ppc64' ? 'ppc64le' : process.arch
}

/**
 * What can run where `platform` is wanted, best first: lower versions of the same architecture, then its 32-bit relative.
 * The order of containerd's `platforms.Only`.
 */
export function compatiblePlatforms(platform: Platform): readonly Platform[] {
  const wanted = normalizePlatform(platform)
  const { os, architecture, variant } = wanted
  const version = Number(variant?.slice(1))
  switch (architecture) {
    case 'amd64':
      return [wanted, ...versions(os, 'amd64', version - 1, 1), { os, architecture: '386' }]
    case 'arm':
      return [wanted, ...versions(os, 'arm', version - 1, 5)]
    case 'arm64':
      return [wanted, ...versions(os, 'arm64', Math.ceil(version) - 1, 8), ...versions(os, 'arm', 8, 5)]
    default:
      return [wanted]
  }
}

function versions(os: string, architecture: string, from: number, to: number): readonly Platform[] {
  const found: Platform[] = []
  for (let version = from; version >= to; version--) found.push(normalizePlatform({ os, architecture, variant: `v${version}` }))
  return found
}

/** The candidate that fits `wanted` best, undefined when none does. The first of equals wins, as in an index. */
export function choosePlatform<T extends { readonly platform?: Platform }>(candidates: readonly T[], wanted: Platform): T | undefined {
  for (const acceptable of compatiblePlatforms(wanted)) {
    const found = candidates.find(({ platform }) => platform !== undefined && samePlatform(platform, acceptable))
    if (found !== undefined) return found
  }
  return undefined
}

function samePlatform(left: Platform, right: Platform): boolean {
  const [a, b] = [normalizePlatform(left), normalizePlatform(right)]
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant
}
