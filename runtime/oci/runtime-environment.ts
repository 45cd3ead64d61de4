/** Runtimes need a PATH to find their helpers, and nothing of the caller's environment. */
export const runtimeEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
}
