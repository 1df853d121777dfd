import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../faults/error-code.ts'
import { Fault } from '../faults/fault.ts'
import { databaseFault, isDatabaseAway, reasonOf } from './database-fault.ts'

const URL = 'postgresql://ada:s3cret@db.example/moose'
const failure = (code: string, message: string) => Object.assign(new Error(message), { code })

test('what the server refuses needs a human, what may pass is worth a retry', () => {
  const cases = [
    ['28P01', 'database_refused'],
    ['28000', 'database_refused'],
    ['3D000', 'database_refused'],
    ['42501', 'database_refused'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'database_refused'],
    ['57P03', 'database_unreachable'],
    ['53300', 'database_unreachable'],
    ['ECONNREFUSED', 'database_unreachable'],
    ['ENOTFOUND', 'database_unreachable'],
  ] as const
  for (const [code, expected] of cases) assert.equal(databaseFault(failure(code, 'no'), URL).code, expected, code)
})

test('a fault stays what it is', () => {
  const fault = new Fault('not_found', 'no')
  assert.equal(databaseFault(fault, URL), fault)
})

test('the message is one line without the password and the cause is kept', () => {
  const cause = failure('ECONNREFUSED', 'connect\n  failed.')
  const fault = databaseFault(cause, URL)
  assert.match(
    fault.message,
    /^The database postgresql:\/\/ada:\*\*\*@db\.example\/moose cannot be reached: connect failed\. /,
  )
  assert.equal(fault.cause, cause)
  assert.deepEqual(fault.details, { code: 'ECONNREFUSED' })
})

test('an error without words is named by its code or its first part', () => {
  assert.equal(reasonOf(failure('ECONNREFUSED', '')), 'ECONNREFUSED')
  const parts = new AggregateError([failure('ECONNREFUSED', 'connect ECONNREFUSED ::1:5432')], '')
  assert.equal(reasonOf(parts), 'connect ECONNREFUSED ::1:5432')
  assert.equal(errorCode('text'), null)
})

test('away is what passes by itself, however the system, the server or the driver says it', () => {
  const passing = [
    ...['EPIPE', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN'].map((code) => failure(code, 'read failed')),
    ...['08006', '57P01', '57P03', '53100', '53200', '53300', '25006', '40001'].map((code) => failure(code, 'no')),
    Object.assign(failure('ENOENT', 'connect ENOENT /run/.s.PGSQL.5432'), { syscall: 'connect' }),
    new Error('Connection terminated unexpectedly'),
    new Error('Client has encountered a connection error and is not queryable'),
    new Error('timeout exceeded when trying to connect'),
    new Error('timeout expired'),
  ]
  for (const thrown of passing) assert.equal(isDatabaseAway(thrown), true, String(thrown))
  const lasting = [
    failure('ENOENT', 'open ENOENT'),
    failure('23505', 'twice'),
    failure('42703', 'no such'),
    new Error('no'),
    null,
  ]
  for (const thrown of lasting) assert.equal(isDatabaseAway(thrown), false, String(thrown))
})

test('a server that repeats the password it was given does not have it shown', () => {
  const url = 'postgresql://ada:s3cret%2Fpass@localhost/x'
  const said = Object.assign(new Error('no such user "ada" with "s3cret/pass"'), { code: '28P01' })
  const { message } = databaseFault(said, url)
  assert.match(message, /\[redacted\]/)
  assert.doesNotMatch(message, /s3cret/)
})
