import type { Operation } from '../../api/operation.js'

/**
 * Calls whose answer may rightly take longer than any deadline: they wait for a process, for data to be copied or
 * thrown away, or for a registry.
 */
const longRunning: ReadonlySet<string> = new Set([
  'BuildPrune',
  'ContainerCreate', // copies what the image has at a new volume's place
  'ContainerDelete',
  'ContainerPrune',
  'ContainerRestart',
  'ContainerStart',
  'ContainerStop',
  'ContainerWait',
  'DistributionInspect',
  'ImageCommit',
  'ImageDelete',
  'ImagePrune',
  'ImageSearch',
  'NetworkPrune',
  'PluginCreate',
  'PluginPull',
  'PluginPush',
  'PluginUpgrade',
  'SwarmInit',
  'SwarmJoin',
  'SwarmLeave',
  'SystemAuth',
  'SystemDataUsage',
  'VolumePrune'
])

/** Calls that go on until something happens outside, or whose data flows at its reader's pace: closing does not wait for them. */
export function isOpenEnded(operation: Operation): boolean {
  return ['json-lines', 'tar', 'frames', 'hijack'].includes(operation.response) || operation.id === 'ContainerWait'
}

/** Calls that have no deadline and a connection of their own. */
export function isLongRunning(operation: Operation): boolean {
  return isOpenEnded(operation) || operation.request === 'tar' || longRunning.has(operation.id)
}
