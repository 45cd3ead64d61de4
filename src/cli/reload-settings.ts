import { mergeSettings, readConfigFile } from './config-file.js'
import { type DaemonSettings, settingNames } from './daemon-settings.js'

/** What came of reading a configuration file again. */
export interface ReloadedFile {
  /** All settings, as they are from now on. */
  readonly settings: DaemonSettings
  /** Keys that have another value in the file than the daemon was started with, and take effect with the next start only. */
  readonly postponed: readonly string[]
}

/**
 * Read the configuration file again. As in dockerd, what it does not name stays as it is.
 *
 * @param current - Settings in force
 * @param flags - What the command line said
 * @throws EngineError `invalid_argument` for a file that a daemon would not start with
 */
export async function reloadSettings(
  path: string,
  { current, flags }: { readonly current: DaemonSettings; readonly flags: DaemonSettings }
): Promise<ReloadedFile> {
  const file = await readConfigFile(path)
  const merged = mergeSettings(flags, file)
  const names = Object.keys(file) as (keyof DaemonSettings)[]
  const changed = names.filter(name => JSON.stringify(merged[name]) !== JSON.stringify(current[name]))
  const taken = Object.fromEntries(changed.filter(name => settingNames[name].reloads).map(name => [name, merged[name]]))
  const postponed = changed.filter(name => !settingNames[name].reloads).map(name => settingNames[name].key)
  return { settings: { ...current, ...taken }, postponed }
}
