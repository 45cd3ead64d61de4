/** Where an OCI runtime writes what it has to say of a bundle. */
export function logPath(bundle: string): string {
  return `${bundle}/runtime.log`
}
