import { createRequire } from 'node:module'

/** commander, required rather than imported: to import a CommonJS module Node loads a parser that takes ten megabytes, which a daemon keeps. */
export function commander(): typeof import('commander') {
  // The reason for the cast: require has no types of its own.
  return createRequire(import.meta.url)('commander') as typeof import('commander')
}
