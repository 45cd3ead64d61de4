/** Commands of the scenario that may answer differently from dockerd 20.10, and why: `docs/COMPATIBILITY.md` has the same list. */
export const differences: Readonly<Record<string, string>> = {}
