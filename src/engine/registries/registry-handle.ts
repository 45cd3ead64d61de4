import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { RegistryCreate, RegistryDelete, sessionLabel } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { once } from '../../util/once.js'
import { checkAbortable } from '../call-scope.js'
import { checkBoolean, checkCount, checkKeys, checkObject, checkString, optional, wrongSetting } from '../checks.js'
import { callThrough, type EngineContext } from '../context.js'
import type { RegistryServer, RegistryServerOptions } from './registry-server.js'

const keys = ['port', 'host', 'storage', 'auth', 'htpasswd', 'anonymousPull', 'tls', 'proxy', 'readOnly', 'signal', 'timeout']

/** Serve a registry. It is the session's. */
export async function createRegistry(context: EngineContext, options: RegistryServerOptions): Promise<RegistryServer> {
  const given = checkKeys('registry', options, keys)
  const { signal } = checkAbortable('registry', given)
  const body = { ...(await bodyOf(context, given)), Labels: { [sessionLabel]: context.session.id } }
  signal?.throwIfAborted()
  let address = ''
  // Not cut off: it may have begun to listen, and nobody would know.
  const id = await context.session.create('registry', false, async () => {
    const made = await callThrough(context, RegistryCreate, { body })
    address = made.Address
    return made.Id
  })
  const close = once(() => removeRegistry(context, id))
  return { address, close, [Symbol.asyncDispose]: close }
}

/** Serve a registry no longer; one that is gone is fine. */
export async function removeRegistry(context: EngineContext, id: string): Promise<void> {
  try {
    await callThrough(context, RegistryDelete, { path: { id } })
  } catch (error) {
    if (!EngineError.is(error) || error.code !== 'not_found') throw error
  }
  context.session.forget('registry', id)
}

async function bodyOf(context: EngineContext, given: Readonly<Record<string, unknown>>) {
  const port = optional(checkPort, 'registry.port', given.port)
  const host = optional(checkString, 'registry.host', given.host)
  const storage = optional(checkString, 'registry.storage', given.storage)
  const auth = optional(checkUsers, 'registry.auth', given.auth)
  const htpasswd = optional(checkString, 'registry.htpasswd', given.htpasswd)
  const anonymousPull = optional(checkBoolean, 'registry.anonymousPull', given.anonymousPull)
  const readOnly = optional(checkBoolean, 'registry.readOnly', given.readOnly)
  const proxy = optional(checkString, 'registry.proxy', given.proxy)
  const tls = optional(checkKeyPair, 'registry.tls', given.tls)
  // A path here is one of this process, where the engine is.
  const isHere = context.transport.kind === 'in-process'
  return {
    ...(port !== undefined && { Port: port }),
    ...(host !== undefined && { Host: host }),
    ...(storage !== undefined && { Storage: isHere ? resolve(storage) : storage }),
    ...(auth && { Users: auth }),
    ...(htpasswd !== undefined && { Htpasswd: await textOf('registry.htpasswd', htpasswd, /:\$2[aby]\$/) }),
    ...(anonymousPull !== undefined && { AnonymousPull: anonymousPull }),
    ...(readOnly !== undefined && { ReadOnly: readOnly }),
    ...(tls && {
      TLSCert: await textOf('registry.tls.cert', tls.cert, /-----BEGIN /),
      TLSKey: await textOf('registry.tls.key', tls.key, /-----BEGIN /)
    }),
    ...(proxy !== undefined && { Proxy: proxy, ...proxyAuth(context, proxy) })
  }
}

/** What this engine was told of that registry. An engine of this process knows it already. */
function proxyAuth({ registries }: EngineContext, proxy: string) {
  const host = URL.canParse(proxy) ? new URL(proxy).host : ''
  const auth = registries[host]?.auth ?? (/(^|\.)docker\.io$/.test(host) ? registries['docker.io']?.auth : undefined)
  if (typeof auth !== 'object') return {}
  return {
    ProxyAuth: 'identityToken' in auth ? { identitytoken: auth.identityToken } : { username: auth.username, password: auth.password }
  }
}

function checkPort(path: string, value: unknown): number {
  const port = checkCount(path, value)
  if (port > 65_535) throw wrongSetting(path, 'a port, 0 to 65535', value)
  return port
}

/** Values are passwords, so no message shows one. */
function checkUsers(path: string, value: unknown): readonly { readonly Name: string; readonly Password: string }[] {
  const users = Object.entries(checkObject(path, value)).map(([Name, Password]) => {
    if (typeof Password === 'string' && Password !== '') return { Name, Password }
    throw new EngineError('invalid_argument', `${path}.${Name}: expected a password as text`, { details: { path } })
  })
  if (users.length === 0) throw new EngineError('invalid_argument', `${path}: there are no users`, { details: { path } })
  return users
}

function checkKeyPair(path: string, value: unknown): { readonly cert: string; readonly key: string } {
  const given = checkKeys(path, value, ['cert', 'key'])
  const read = (field: 'cert' | 'key') => checkString(`${path}.${field}`, given[field], 'a path or PEM text')
  return { cert: read('cert'), key: read('key') }
}

/** A text, or the file at a path. */
async function textOf(path: string, value: string, isText: RegExp): Promise<string> {
  if (isText.test(value)) return value
  return readFile(value, 'utf8').catch((cause: Error) => {
    throw new EngineError('invalid_argument', `${path}: ${cause.message}. Give the path of a file, or its text`, {
      details: { path },
      cause
    })
  })
}
