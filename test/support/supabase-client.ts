import assert from 'node:assert/strict'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { RestApi } from './supabase.ts'

/** The SQLSTATE of a missing grant and of a row that a policy keeps out. */
const DENIED = '42501'

export type Connect = (role: string, claims?: Record<string, unknown>) => SupabaseClient

/** The real supabase-js, as a role of the API. */
export const connector =
  (api: RestApi): Connect =>
  (role, claims) =>
    createClient(api.url, api.tokenOf(role, claims), { auth: { persistSession: false, autoRefreshToken: false } })

/** What a token says of a signed-in person. */
export const person = (moose_role?: string) => ({
  sub: '8a3e',
  app_metadata: moose_role === undefined ? {} : { moose_role },
})

/** The rows of an answer; an error of the API fails the test. */
export async function rowsOf<Row>(answer: PromiseLike<{ data: Row; error: unknown }>): Promise<NonNullable<Row>> {
  const { data, error } = await answer
  assert.equal(error, null)
  assert.ok(data !== null && data !== undefined)
  return data
}

/** The API refuses it as a matter of right. */
export async function denied(answer: PromiseLike<{ error: { code: string } | null }>, what: string): Promise<void> {
  assert.equal((await answer).error?.code, DENIED, what)
}
