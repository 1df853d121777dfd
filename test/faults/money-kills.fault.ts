import { test } from 'node:test'
import { assertLedgerSurvives } from './money-kills.ts'

test('kill -9 at 20 random moments around a call: the ledger never knows less than the bill, and equals it once reconciled', () =>
  assertLedgerSurvives(20))
