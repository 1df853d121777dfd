import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingConnection } from './supabase.ts'

const URL_OF_PROJECT = 'https://abcdefghijklmnopqrst.supabase.co'

test('variables of Supabase without a database say which connection string is needed and where it stands', () => {
  const said = String(
    missingConnection({ NEXT_PUBLIC_SUPABASE_URL: URL_OF_PROJECT, SUPABASE_SERVICE_ROLE_KEY: 'eyJsecret' }),
  )
  assert.match(said, /^NEXT_PUBLIC_SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY are set and DATABASE_URL is not/)
  assert.match(said, /dashboard\/project\/abcdefghijklmnopqrst\?showConnect=true under "Session pooler"/)
  assert.match(said, /DATABASE_URL=postgresql:\/\/postgres\.abcdefghijklmnopqrst:PASSWORD@.*:5432\/postgres$/)
  assert.doesNotMatch(said, /secret/)
})

test('an address that is of no project there is not guessed at', () => {
  for (const url of ['http://localhost:54321', 'https://supabase.co', 'no address', `${URL_OF_PROJECT}.evil.example`]) {
    assert.match(String(missingConnection({ NEXT_PUBLIC_SUPABASE_URL: url })), /project\/PROJECT\?/, url)
  }
})

test('nothing is said where a database is named, or nothing of Supabase', () => {
  assert.equal(missingConnection({}), null)
  const DATABASE_URL = 'postgresql://db.example/moose'
  assert.equal(missingConnection({ DATABASE_URL, NEXT_PUBLIC_SUPABASE_URL: URL_OF_PROJECT }), null)
})
