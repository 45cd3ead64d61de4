/** Label of everything a session has made: the session's id. What carries it goes away with the session. */
export const sessionLabel = 'dev.gantry.session'

/** Label of what outlives the session that made it. */
export const keepLabel = 'dev.gantry.keep'
