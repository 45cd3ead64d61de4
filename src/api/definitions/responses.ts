export interface AuthResponse {
  readonly Status: string
  readonly IdentityToken?: string | undefined
}

export interface IDResponse {
  readonly Id: string
}

export interface ErrorResponse {
  readonly message: string
}
