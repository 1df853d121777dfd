/** What a caller of the API may do; each of the others includes `read`. `src/contract/api-token.ts` says what each is for. */
export const SCOPES = ['read', 'file', 'approve', 'operate'] as const
