import { constants } from 'node:os'

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]))

/** The signal that an exit code stands for: 128 and its number, as shells and engines write it. */
export function signalOfExitCode(exitCode: number): NodeJS.Signals | undefined {
  return exitCode > 128 ? names.get(exitCode - 128) : undefined
}

/**
 * The exit code that `docker run` ends with when an engine could not start a container: 127 for a program that is not there, 126 for one
 * that may not be executed, 125 for anything else. Engines say it only in words; the words are those the docker CLI looks for.
 */
export function exitCodeOfStartFailure(message: string): 125 | 126 | 127 {
  const said = message.toLowerCase()
  if (/executable file .*not found|no such file or directory|cannot find the file/.test(said)) return 127
  if (/permission denied|is a directory/.test(said)) return 126
  return 125
}
