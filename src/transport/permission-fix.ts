/** What to do about a socket that this user may not open. */
export function permissionFix(path: string): string {
  return path.endsWith('/docker.sock') && path.startsWith('/')
    ? 'add yourself to the group docker (sudo usermod -aG docker "$USER"), then log in again'
    : `give this user read and write access to ${path}`
}
