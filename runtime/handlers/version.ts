/** Gantry's version. A test holds it against package.json. */
export const version = '0.1.0'

/** The API version that the in-process runtime speaks. */
export const runtimeApiVersion = '1.51'

/** The oldest API version whose behaviour the handlers know. */
export const smallestApiVersion = '1.24'
