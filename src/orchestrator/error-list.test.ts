import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../clock.ts'
import { readConfig } from '../config.ts'
import { Fault } from '../faults/fault.ts'
import { createLog } from '../log.ts'
import { createErrorList } from './error-list.ts'

test('what the status shows of an error is without the secrets Moose knows', () => {
  const config = readConfig({ MOOSE_HOME: '/home/ada/moose', OPENAI_API_KEY: 'sk-canary-0123' })
  const errors = createErrorList({ clock: systemClock, log: createLog('silent'), config })
  errors.add(new Error('no: sk-canary-0123'))
  errors.add(new Fault('github_failed', 'no: sk-canary-0123'))
  assert.deepEqual(
    errors.list().map(({ message }) => message),
    ['no: [redacted]', 'github_failed: no: [redacted]'],
  )
})
