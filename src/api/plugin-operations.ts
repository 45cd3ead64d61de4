import { defineOperation } from './define-operation.js'
import type { Plugin } from './definitions/plugin.js'
import { type PluginPrivilege, pluginPrivilege } from './definitions/plugin-privilege.js'
import type { CreateImageInfo, PushImageInfo } from './definitions/progress-messages.js'
import type { Done } from './operation.js'
import { filters, flag, integer, required, text } from './parameter.js'
import { bytes, list, optional, string } from './schema.js'

/** Installed plugins. `docker plugin ls` */
export const PluginList = defineOperation<readonly Plugin[]>()({
  id: 'PluginList',
  method: 'GET',
  path: '/plugins',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** What a plugin wants to be allowed, before it is installed. */
export const GetPluginPrivileges = defineOperation<readonly PluginPrivilege[]>()({
  id: 'GetPluginPrivileges',
  method: 'GET',
  path: '/plugins/privileges',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: {
    /** Its reference in a registry. */
    remote: required(text)
  }
})

/** Install a plugin with the privileges that are granted. It is not enabled yet. `docker plugin install` */
export const PluginPull = defineOperation<AsyncIterable<CreateImageInfo>>()({
  id: 'PluginPull',
  method: 'POST',
  path: '/plugins/pull',
  since: '1.25',
  request: 'json',
  response: 'json-lines',
  query: {
    remote: required(text),
    /** Its name here. */
    name: text
  },
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  },
  body: () => optional(list(pluginPrivilege()))
})

/** One plugin. `docker plugin inspect` */
export const PluginInspect = defineOperation<Plugin>()({
  id: 'PluginInspect',
  method: 'GET',
  path: '/plugins/{name}/json',
  since: '1.25',
  request: 'none',
  response: 'json'
})

/** Remove a plugin. `docker plugin rm` */
export const PluginDelete = defineOperation<Plugin>()({
  id: 'PluginDelete',
  method: 'DELETE',
  path: '/plugins/{name}',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: {
    /** Disable it first. */
    force: flag
  }
})

/** Enable a plugin. `docker plugin enable` */
export const PluginEnable = defineOperation<Done>()({
  id: 'PluginEnable',
  method: 'POST',
  path: '/plugins/{name}/enable',
  since: '1.25',
  request: 'none',
  response: 'none',
  query: {
    /** Seconds the plugin may take for an answer. */
    timeout: integer
  }
})

/** Disable a plugin. `docker plugin disable` */
export const PluginDisable = defineOperation<Done>()({
  id: 'PluginDisable',
  method: 'POST',
  path: '/plugins/{name}/disable',
  since: '1.25',
  request: 'none',
  response: 'none',
  query: {
    /** Also while it is used. */
    force: flag
  }
})

/** Replace a disabled plugin by another version. `docker plugin upgrade` */
export const PluginUpgrade = defineOperation<AsyncIterable<CreateImageInfo>>()({
  id: 'PluginUpgrade',
  method: 'POST',
  path: '/plugins/{name}/upgrade',
  since: '1.26',
  request: 'json',
  response: 'json-lines',
  query: { remote: required(text) },
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  },
  body: () => optional(list(pluginPrivilege()))
})

/** Make a plugin of a root filesystem and a configuration in an archive. `docker plugin create` */
export const PluginCreate = defineOperation<Done>()({
  id: 'PluginCreate',
  method: 'POST',
  path: '/plugins/create',
  since: '1.25',
  request: 'tar',
  response: 'none',
  query: { name: required(text) },
  body: () => optional(bytes())
})

/** Push a plugin to the registry its name says. `docker plugin push` */
export const PluginPush = defineOperation<AsyncIterable<PushImageInfo>>()({
  id: 'PluginPush',
  method: 'POST',
  path: '/plugins/{name}/push',
  since: '1.25',
  request: 'none',
  response: 'json-lines',
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  }
})

/** Set what can be set on a plugin, as `NAME=value` each. `docker plugin set` */
export const PluginSet = defineOperation<Done>()({
  id: 'PluginSet',
  method: 'POST',
  path: '/plugins/{name}/set',
  since: '1.25',
  request: 'json',
  response: 'none',
  body: () => optional(list(string()))
})
