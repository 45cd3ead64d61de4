/** What the package exports at run time, by entry point. A name that goes away is a breaking change. */
export const exportedNames = {
  gantry: ['EngineError', 'ExitError', 'createEngine', 'copy', 'errorCodes', 'host', 'ready', 'tmpfs'],
  'gantry/api': []
} as const
