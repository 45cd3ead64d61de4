/** A moment as the Engine API's parameters take it: Unix seconds with nine digits of a second. */
export function unixTime(date: Date): string {
  const ms = date.getTime()
  const seconds = Math.floor(ms / 1000)
  return `${seconds}.${String(ms - seconds * 1000).padStart(3, '0')}000000`
}
