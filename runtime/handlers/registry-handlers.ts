import type { Filters, Handlers, InputOf, RegistryCreate, RegistrySummary } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContentStore } from '../content/content-store.js'
import type { Reach } from '../registry-server/open-upstream.js'
import type { Registries, ServedRegistry } from '../registry-server/registries.js'
import type { Secret } from '../registry-server/users.js'

/** What registries of an engine are made with. */
export interface RegistryContext {
  /** Loaded when the first one is made. */
  readonly registries: () => Promise<Registries>
  /** Where one keeps its things when nothing was said. */
  readonly defaultStorage: string
  /** How the engine reaches registries. */
  readonly reach: Reach
  /** The engine's own blobs. */
  readonly content: ContentStore
}

type Body = NonNullable<InputOf<typeof RegistryCreate>['body']>

/** The operations of `/gantry/registries`. */
export function registryHandlers(context: RegistryContext): Handlers {
  return {
    async RegistryCreate({ body }) {
      const registries = await context.registries()
      const users = await usersOf(body)
      const tls = tlsOf(body)
      if (body.AnonymousPull && users === undefined) throw missing('AnonymousPull', 'it has a meaning only where there are Users')
      if (body.ProxyAuth && !body.Proxy) throw missing('ProxyAuth', 'it has a meaning only with a Proxy')
      const { Port = 0 } = body
      if (Port < 0 || Port > 65_535) throw missing('Port', `${Port} is no port`)
      const served = await registries.create(
        {
          storage: body.Storage || context.defaultStorage,
          ...(body.Host && { host: body.Host }),
          port: Port,
          ...(users && { users }),
          ...(tls && { tls }),
          anonymousPull: body.AnonymousPull ?? false,
          readOnly: body.ReadOnly ?? false,
          ...(body.Proxy && { proxy: body.Proxy, reach: reachFor(body, context.reach) }),
          known: context.content
        },
        body.Labels ?? {}
      )
      return viewOf(served)
    },

    async RegistryList({ query }) {
      const matches = labelFilter(query?.filters ?? {})
      return (await context.registries()).list().filter(matches).map(viewOf)
    },

    async RegistryDelete({ path }) {
      await (await context.registries()).remove(path.id)
      return { modified: true }
    }
  }
}

async function usersOf({ Users, Htpasswd }: Body): Promise<ReadonlyMap<string, Secret> | undefined> {
  if (!Users && !Htpasswd) return undefined
  const { parseHtpasswd, usersOf: fromPasswords } = await import('../registry-server/users.js')
  const hashed = Htpasswd ? parseHtpasswd(Htpasswd, 'Htpasswd') : []
  return new Map([...hashed, ...fromPasswords(Object.fromEntries((Users ?? []).map(({ Name = '', Password = '' }) => [Name, Password])))])
}

function tlsOf({ TLSCert, TLSKey }: Body): { readonly cert: string; readonly key: string } | undefined {
  if (!TLSCert && !TLSKey) return undefined
  for (const [field, value] of Object.entries({ TLSCert, TLSKey })) {
    if (!value?.includes('-----BEGIN ')) throw missing(field, 'a certificate and a key are needed, as PEM texts')
  }
  return { cert: TLSCert ?? '', key: TLSKey ?? '' }
}

/** How the other registry is reached, with the credentials that were given for it. */
function reachFor({ Proxy: proxy = '', ProxyAuth }: Body, reach: Reach): Reach {
  if (!ProxyAuth) return reach
  const settings = reach.registries ?? {}
  const { username, password = '', identitytoken } = ProxyAuth
  const auth = identitytoken ? { identityToken: identitytoken } : username ? { username, password } : undefined
  if (auth === undefined) throw missing('ProxyAuth', 'it needs a username and a password, or an identitytoken')
  const host = URL.canParse(proxy) ? new URL(proxy).host : ''
  const names = /(^|\.)docker\.io$/.test(host) ? [host, 'docker.io'] : [host]
  return { ...reach, registries: { ...settings, ...Object.fromEntries(names.map(name => [name, { ...settings[name], auth }])) } }
}

function labelFilter(filters: Filters): (registry: ServedRegistry) => boolean {
  for (const name of Object.keys(filters)) {
    if (name !== 'label') throw new EngineError('invalid_argument', `invalid filter '${name}'`, { details: { filter: name } })
  }
  const wanted = (filters.label ?? []).map(text => text.split(/=(.*)/s))
  return ({ labels }) => wanted.every(([name = '', value]) => name in labels && (value === undefined || labels[name] === value))
}

function viewOf({ id, address, storage, isSecure, readOnly, proxy = '', labels }: ServedRegistry): RegistrySummary {
  return { Id: id, Address: address, Storage: storage, TLS: isSecure, ReadOnly: readOnly, Proxy: proxy, Labels: labels }
}

function missing(field: string, problem: string): EngineError {
  return new EngineError('invalid_argument', `${field}: ${problem}`, { details: { field } })
}
