/** Output without what differs from run to run: ids, times, addresses of one's own choosing. */
export function normalise(text: string): string {
  return (
    text
      .replace(/\b[0-9a-f]{64}\b/g, '<id>')
      .replace(/\b[0-9a-f]{12}\b/g, '<short id>')
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( \w+)?)?/g, '<time>')
      .replace(/\b(?:About an?|Less than a|\d+) (?:second|minute|hour|day|week|month|year)s?( ago)?\b/g, '<ago>')
      .replace(/\b172\.\d+\.\d+\.\d+\b/g, '<address>')
      .replace(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g, '<mac>')
      .split('\n')
      // The command's own columns are as wide as what is in them.
      .map(line => line.replace(/ {2,}/g, '  ').trimEnd())
      .join('\n')
      .trim()
  )
}
