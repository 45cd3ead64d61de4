/** The registry accepts the credentials. */
export interface AuthResponse {
  readonly Status: string
  /** To use in place of the password, when not empty. */
  readonly IdentityToken?: string | undefined
}

/** The id of what was made. */
export interface IDResponse {
  readonly Id: string
}

/** The body of every response with an error status. */
export interface ErrorResponse {
  readonly message: string
}
