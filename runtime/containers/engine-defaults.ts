import type { HostConfig } from '../../src/api/index.js'
import type { EngineSettings } from '../settings/engine-settings.js'
import type { ContainerRecord } from './container-record.js'

/** Network modes in which a container brings no name servers of its own. */
const foreignNetwork = /^container:/

/**
 * A container as it runs: what it leaves open is as it is set for the engine as a whole. As in dockerd this is not kept with the container, so
 * that the next start goes by the settings of then.
 */
export function withEngineDefaults<Record_ extends Pick<ContainerRecord, 'hostConfig'>>(
  record: Record_,
  settings: EngineSettings
): Record_ {
  const { hostConfig } = record
  const open: HostConfig = {
    ...(settings.init && hostConfig.Init == null && !hostConfig.PidMode && { Init: true }),
    ...(settings.ulimits.length > 0 && { Ulimits: withUlimits(hostConfig.Ulimits ?? [], settings) }),
    ...(!foreignNetwork.test(hostConfig.NetworkMode ?? '') && resolver(hostConfig, settings))
  }
  return Object.keys(open).length === 0 ? record : { ...record, hostConfig: { ...hostConfig, ...open } }
}

function withUlimits(own: NonNullable<HostConfig['Ulimits']>, { ulimits }: EngineSettings) {
  return [...own, ...ulimits.filter(({ Name }) => !own.some(limit => limit.Name === Name))]
}

function resolver(hostConfig: HostConfig, { dns, dnsOptions, dnsSearch }: EngineSettings): HostConfig {
  return {
    ...(isEmpty(hostConfig.Dns) && dns.length > 0 && { Dns: [...dns] }),
    ...(isEmpty(hostConfig.DnsOptions) && dnsOptions.length > 0 && { DnsOptions: [...dnsOptions] }),
    ...(isEmpty(hostConfig.DnsSearch) && dnsSearch.length > 0 && { DnsSearch: [...dnsSearch] })
  }
}

function isEmpty(list: readonly string[] | null | undefined): boolean {
  return (list ?? []).length === 0
}
