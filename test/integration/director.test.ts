import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { ApproveChosenResponse } from '../../src/contract/why/approve-chosen.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { WorkOrderResponse } from '../../src/contract/work-orders.ts'
import { addToken } from '../../src/db/api-tokens/api-tokens.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { moose } from '../support/moose-command.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const CHECKS = 'checks:\n  - { name: greets, run: "true", proves: [It greets] }\n'
const api = await openApiHome({ files: { 'moose.yaml': CHECKS, 'src/greet.js': '', 'package-lock.json': '{}' } })
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const json = (method: string, body: unknown) => ({
  method,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
})
const LOW = {
  title: 'Greet',
  files_in_scope: ['src/greet.js'],
  acceptance_criteria: ['It greets'],
  risk_level: 'low',
  budget_usd: '2.50',
}
const HELD = { ...LOW, title: 'Lock the greeting', files_in_scope: ['package-lock.json'] }

async function request(method: string, path: string, body?: unknown) {
  const response = await createTokenApp(api.deps()).request(path, body === undefined ? { method } : json(method, body))
  assert.ok(response.ok, await response.clone().text())
  return await response.json()
}
const file = async (body: unknown) =>
  WorkOrderResponse.parse(await request('POST', '/api/work-orders', body)).work_order

test('an order that is filed waits for a human, with its risk, what verifies it and the most it may cost', async () => {
  const low = await file(LOW)
  assert.deepEqual(
    [low.approved, low.risk, low.worst_case_usd, low.verification?.checks],
    [false, { level: 'low', reasons: [] }, 2.5, 1],
  )
  const held = await api.detail((await file(HELD)).id)
  assert.deepEqual(
    [held.approved, held.risk?.level, held.risk?.reasons],
    [false, 'high', [{ rule: 'held_files', level: 'high', reason: 'package-lock.json is a lock file' }]],
  )
})

test('what the operator allowed is approved as it is filed, in the name of Moose; the rest waits', async () => {
  await request('PATCH', '/api/projects/sample', { auto_approve: 'low' })
  const low = await file(LOW)
  assert.equal(low.approved, true)
  const { approval } = await api.detail(low.id)
  assert.deepEqual(approval?.actor, { kind: 'moose', name: 'orchestrator' })
  const events = await api.moose.db
    .selectFrom('work_order_events')
    .select('message')
    .where('work_order_id', '=', low.id)
    .where('type', '=', 'approved')
    .execute()
  assert.deepEqual(events, [{ message: 'approved by rule: its risk is low, and up to low is allowed' }])
  assert.equal((await file(HELD)).approved, false)
  const medium = await file({ ...LOW, acceptance_criteria: [] })
  assert.deepEqual([medium.approved, medium.risk?.level, medium.auto_approve], [false, 'medium', 'low'])
  const told = (why: unknown) =>
    WhyResponse.parse(why).why.evidence.flatMap(({ name, text }) =>
      /risk|rule/.test(name) ? [`${name}: ${text}`] : [],
    )
  assert.deepEqual(told(await request('GET', `/api/work-orders/${medium.id}/why`)), [
    'risk: medium: no criterion says when it is done (no_criteria). Filed as low.',
    'not approved by rule: Rules did not approve it: its risk is medium, and its project allows up to low.',
  ])
  const edited = await request('PATCH', `/api/work-orders/${low.id}`, { title: 'Greet louder' })
  assert.equal(WorkOrderResponse.parse(edited).work_order.approved, false, 'an edit is for a human to approve')
})

test('an order that cannot be approved by rule is filed, and waits for a human', async (context) => {
  await request('PATCH', '/api/projects/sample', { auto_approve: 'low' })
  context.after(() => sql`drop function refuse() cascade`.execute(api.moose.db))
  await sql`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$`.execute(
    api.moose.db,
  )
  await sql`create trigger refuse before update on work_orders for each row execute function refuse()`.execute(
    api.moose.db,
  )
  const filed = await file(LOW)
  assert.deepEqual([filed.approved, filed.risk?.level], [false, 'low'])
})

test('orders of the same files that failed before raise the risk', async () => {
  for (const title of ['one', 'two'])
    await api.place({ title, status: 'failed', files_in_scope: ['src/greet.js', 'src/a.js'] })
  await api.place({ title: 'elsewhere', status: 'failed', files_in_scope: ['src/a.js'] })
  const { risk } = await file(LOW)
  assert.deepEqual(risk, {
    level: 'medium',
    reasons: [
      {
        rule: 'failed_before',
        level: 'medium',
        reason: '2 of the last 2 orders of the same files failed, or had an attempt that did',
      },
    ],
  })
})

test('a folder is of the same files as what is in it, and not as what begins alike', async () => {
  const reasonsOf = async (files: string[]) =>
    (await file({ ...LOW, files_in_scope: files })).risk?.reasons.flatMap(({ rule }) =>
      rule === 'failed_before' ? [rule] : [],
    )
  for (const title of ['one', 'two']) await api.place({ title, status: 'failed', files_in_scope: ['src/'] })
  assert.deepEqual(await reasonsOf(['src/greet.js']), ['failed_before'])
  assert.deepEqual(await reasonsOf(['src2/greet.js']), [])
  for (const title of ['three', 'four']) await api.place({ title, status: 'failed', files_in_scope: ['lib/a_b/c.js'] })
  assert.deepEqual(await reasonsOf(['lib/']), ['failed_before'])
  assert.deepEqual(await reasonsOf(['lib/a_b/']), ['failed_before'])
  assert.deepEqual(await reasonsOf(['lib/aXb/']), [])
})

test('who may operate and not approve does not change what is approved or merged by rule', async () => {
  const token = tokenOf(Buffer.alloc(TOKEN_BYTES, 'operating'))
  await addToken(api.moose.db, {
    name: 'operating',
    scopes: ['read', 'operate'],
    expires_in_days: null,
    hash: tokenHash(token),
    createdBy: 'moose:test',
  })
  const app = createHttpApp(api.deps())
  const patch = (body: unknown) => {
    const { headers, ...init } = json('PATCH', body)
    const authorized = { ...headers, authorization: `Bearer ${token}` }
    return app.fetch(new Request('http://localhost/api/projects/sample', { ...init, headers: authorized }))
  }
  for (const rule of [{ auto_approve: 'high' }, { merge_policy: 'auto' }, { auto_merge: 'high' }])
    assert.equal((await patch(rule)).status, 403, JSON.stringify(rule))
  assert.equal((await patch({ max_open_pull_requests: 3 })).status, 200)
})

test('moose approve says the most it may cost and what verifies it; chosen by risk and title, with the sum', async (context) => {
  const served = await api.serve(api.deps())
  context.after(() => served[Symbol.asyncDispose]())
  const run = (...words: string[]) => moose(words, { environment: { MOOSE_HOME: api.home.config.home } })
  const first = await file(LOW)
  await file({ ...LOW, title: 'Greet again', budget_usd: '1.25' })
  await file(HELD)
  await file({ ...LOW, title: 'Care for this', risk_level: 'high' })
  const asked = await run('approve', '--project', 'sample', '--risk', 'low')
  assert.equal(asked.exitCode, 2)
  assert.match(asked.stdout, /^2 orders to approve:/)
  assert.match(asked.stderr, /It may cost \$2\.50 at most; the check "\w+" verifies it and can prove 1 of 1 criteria\./)
  assert.match(asked.stderr, /All of them together: \$3\.75 at most/)
  assert.match(
    asked.stderr,
    /^Above risk low, and not chosen: 2 of risk high \((?:held_files, stated_high|stated_high, held_files)\)\.$/m,
  )
  const named = await run('approve', first.id.slice(0, 8))
  assert.match(named.stderr, /It may cost \$2\.50 at most; .*\nRisk low: no rule fits\./)
  const again = await run('approve', '--title', 'GREET again', '--yes', '--json')
  const [line] = again.stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text))
  assert.deepEqual(
    [line.work_order.title, line.work_order.worst_case_usd, line.work_order.risk.level],
    ['Greet again', 1.25, 'low'],
  )
  await request('PATCH', '/api/projects/sample', { auto_approve: 'low' })
  const added = await run(
    'add',
    '--title',
    'No criterion',
    '--file',
    'src/greet.js',
    '--risk',
    'low',
    '--project',
    'sample',
  )
  assert.match(added.stderr, /Risk medium: no criterion says when it is done \(no_criteria\)\. Filed as low\./)
  assert.match(added.stderr, /Rules did not approve it: its risk is medium, and its project allows up to low\./)
  const words = ['add', '--title', 'Greet', '--file', 'src/greet.js', '--risk', 'low', '--project', 'sample']
  const proved = [...words, '--criterion', 'It greets', '--budget', '1.25']
  const tried = await run(...proved, '--dry-run')
  assert.match(
    tried.stdout,
    /It is approved by rule as it is filed, with risk low: no rule fits\. That allows \$1\.25 to be spent at most/,
  )
  const left = (await run(...words, '--dry-run')).stdout
  assert.match(left, /It is not approved, so it is not run\./)
  assert.match(left, /\n {2}Risk medium: no criterion .*\n {2}Rules did not approve it: its risk is medium/)
  assert.match((await run(...words, '--approve', '--dry-run')).stdout, /It is approved as it is filed\. That allows/)
  const byRule = await run(...proved)
  assert.match(byRule.stderr, /Approved by rule\. It may cost \$1\.25 at most; .*Risk low: no rule fits\./)
  const high = await run('approve', '--risk', 'high')
  assert.match(high.stderr, /Risk high: package-lock\.json is a lock file \(held_files\)\./)
})

test('moose project edit and show have the rules of a project, and refuse what is none', async (context) => {
  const served = await api.serve(api.deps())
  context.after(() => served[Symbol.asyncDispose]())
  const run = (words: string) => moose(words.split(' '), { environment: { MOOSE_HOME: api.home.config.home } })
  const set = await run(
    'project edit sample --max-open-pull-requests 3 --merge-policy auto --auto-merge medium --auto-approve low',
  )
  assert.equal(set.exitCode, 0, set.stderr)
  assert.match(set.stdout, /open at once +3 pull requests\n/)
  assert.match(set.stdout, /merging +by Moose, up to risk medium\n/)
  assert.match(set.stdout, /approving +by rule, up to risk low\n/)
  const unset = await run('project edit sample --max-open-pull-requests none --auto-approve none --merge-policy manual')
  assert.match(unset.stdout, /any number of pull requests\n.*by a human\n.*by a human\n/)
  for (const wrong of ['--max-open-pull-requests 0', '--max-open-pull-requests few', '--merge-policy always'])
    assert.equal((await run(`project edit sample ${wrong}`)).exitCode, 2, wrong)
  const few = await run('project edit sample --max-open-pull-requests few')
  assert.match(few.stderr, /It must be a whole number from 1 to 10000, or none\./)
  assert.match((await run('approve')).stderr, /moose approve --all, or with --project, --older-than, --risk or --title/)
  for (const [words, said] of [
    ['notify add team https://hooks.slack.com/services/T0/secret --slack', /^added team\n/],
    ['notify add comments --github', /^added comments\n/],
  ] as const)
    assert.match((await run(words)).stdout, said)
})

test('orders are chosen by a filter, with the most they cost and what verifies them, and approved as they were shown', async () => {
  const first = await file(LOW)
  const second = await file({ ...LOW, title: 'Greet again', budget_usd: '1.25' })
  await file(HELD)
  const choose = async (body: object) =>
    ApproveChosenResponse.parse(await request('POST', '/api/work-orders/approve', { project: 'sample', ...body }))
  const shown = await choose({ risk: 'low' })
  assert.deepEqual(
    shown.chosen.map(({ id, worst_case_usd: worst, risk, verification }) => [
      id,
      worst,
      risk?.level,
      verification?.checks,
    ]),
    [
      [first.id, 2.5, 'low', 1],
      [second.id, 1.25, 'low', 1],
    ],
  )
  assert.deepEqual([shown.worst_case_usd, shown.unbounded, shown.approved], [3.75, 0, []])
  assert.deepEqual(shown.above, [{ level: 'high', rule: 'held_files', orders: 1 }])
  const held = await choose({ risk: 'high', title: 'lock GREETING' })
  assert.deepEqual(held.chosen[0]?.risk?.reasons[0]?.rule, 'held_files')

  await request('PATCH', `/api/work-orders/${second.id}`, { title: 'Greet otherwise' })
  const confirm = shown.chosen.map(({ id, content_sha256 }) => ({ work_order_id: id, content_sha256 }))
  const done = await choose({ risk: 'low', confirm })
  assert.deepEqual(
    done.approved.map(({ id, approved }) => [id, approved]),
    [[first.id, true]],
  )
  assert.deepEqual(
    done.refused.map(({ work_order_id, error: { code } }) => [work_order_id, code]),
    [[second.id, 'work_order_conflict']],
  )
  assert.equal((await api.detail(second.id)).approved, false)
  const again = await choose({ risk: 'low', confirm: confirm.slice(0, 1) })
  assert.match(String(again.refused[0]?.error.message), /it is approved already/)
})

test('moose add says of a cap that has no room for a call that it has none, and of another one nothing', async (context) => {
  const served = await api.serve(api.deps())
  context.after(() => served[Symbol.asyncDispose]())
  const environment = { MOOSE_HOME: api.home.config.home }
  await useStandIn(api.home, 'paid', { url: 'http://127.0.0.1:9/v1', threshold: 1 })
  const add = (budget: string) =>
    moose(['add', '--title', 'Greet', '--file', 'src/greet.js', '--project', 'sample', '--budget', budget], {
      environment,
    })
  const low = (await add('0.000001')).stderr
  assert.match(low, /its cap of \S+ may have no room for a call, which may cost up to \S+\. Raise it with: moose edit /)
  assert.doesNotMatch((await add('5')).stderr, /room for a call/)
})
