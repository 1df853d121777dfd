import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { lacking } from '../support/tool-or-skip.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const SCHEMATHESIS = path.join(ROOT, '.moose/test-schemathesis/bin/schemathesis')
/** Streams never end, and a webhook is signed. */
const NOT_ASKED = ['/api/events', '/api/work-orders/{id}/events', '/api/webhooks/github']
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'shape_is_accepted',
  'token_counts',
]

/** In a network of its own, which has nothing but loopback: a project or a proposer that is made up is asked there. */
const SERVE_AND_ASK = `
"$NODE" "$ROOT/src/cli/main.ts" up --port 4646 >"$FOLDER/service.log" 2>&1 & service=$!
until [ -s "$MOOSE_HOME/api-token" ]; do
  kill -0 $service || { cat "$FOLDER/service.log"; exit 1; }
  sleep 0.2
done
"$SCHEMATHESIS" --config-file "$ROOT/test/hostile/schemathesis.toml" run http://127.0.0.1:4646/openapi.json \\
  --wait-for-schema 90 --header "Authorization: Bearer $(cat "$MOOSE_HOME/api-token")" "$@"
status=$?
kill -TERM $service; wait $service || { cat "$FOLDER/service.log"; status=1; }
exit $status
`

test('8 and 25 to 30: requests made up from the contract get documented statuses, and are not refused for a shape that fits', {
  timeout: 900_000,
  skip: lacking('bwrap') || whyNoSchemathesis(),
}, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-contract-'))
  const seed = process.env['SEED'] ?? String(Math.floor(Math.random() * 2 ** 31))
  const examples = process.env['EXAMPLES'] ?? '10'
  t.diagnostic(`SEED=${seed} EXAMPLES=${examples}`)
  const quiet = ['--generation-database', 'none', '--warnings', 'off', '--no-color', '--request-timeout', '60']
  const args = [
    ...NOT_ASKED.flatMap((one) => ['--exclude-path', one]),
    ...quiet,
    '--suppress-health-check',
    'all',
    '--phases',
    'examples,fuzzing',
    '--max-examples',
    examples,
    '--seed',
    seed,
    '--checks',
    CHECKS.join(','),
  ]
  const env = {
    PATH: process.env['PATH'],
    NODE: process.execPath,
    SCHEMATHESIS,
    ROOT,
    FOLDER: folder,
    HOME: folder,
    MOOSE_HOME: path.join(folder, 'home'),
    MOOSE_LOG_LEVEL: 'warn',
    SCHEMATHESIS_HOOKS: 'schemathesis_checks',
    PYTHONPATH: import.meta.dirname,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const child = spawn(
    'bwrap',
    ['--dev-bind', '/', '/', '--unshare-net', '--die-with-parent', 'sh', '-c', SERVE_AND_ASK, 'sh', ...args],
    { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  await rm(folder, { recursive: true, force: true })
  assert.equal(child.exitCode, 0, printed + said)
  assert.match(printed, /\b\d{3,} generated/)
})

function whyNoSchemathesis(): string | false {
  if (existsSync(SCHEMATHESIS)) return false
  const said = 'not installed: schemathesis; scripts/setup-schemathesis installs it'
  if (process.env['CI'] === 'true') throw new Error(`${said} (in CI that is a failure)`)
  return said
}
