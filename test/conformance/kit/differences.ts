/** Paths that may differ, each with the reason. */
export type Known = readonly (readonly [path: RegExp, reason: string])[]

/**
 * Where two JSON values differ, as `path: one | other`. Lists of different length differ as a whole. An absent property is not the same as
 * one that is null.
 */
export function differences(one: unknown, other: unknown, known: Known = []): readonly string[] {
  return walk('', one, other).filter(line => !known.some(([path]) => path.test(line.slice(0, line.indexOf(': ')))))
}

function walk(path: string, one: unknown, other: unknown): readonly string[] {
  if (Array.isArray(one) && Array.isArray(other) && one.length === other.length) {
    return one.flatMap((value, index) => walk(`${path}[${index}]`, value, other[index]))
  }
  if (isRecord(one) && isRecord(other)) {
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()
    return keys.flatMap(key => walk(path === '' ? key : `${path}.${key}`, one[key], other[key]))
  }
  return JSON.stringify(one) === JSON.stringify(other) ? [] : [`${path}: ${text(one)} | ${text(other)}`]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value)
}
