import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { z } from 'zod'
import type { Moose } from '../../src/app.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { gitIn } from '../support/git-remote.ts'
import { type ReceivedCall, type Scripted, type ScriptedBy, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'

const QUIET = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '3600000', ORCHESTRATOR_EXECUTOR: 'patch' }
const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const text = (told: string): Scripted => ({ kind: 'text', text: told })
const CHANGE = text(write('greeting.txt', 'top\nhello, world\nbottom'))
const RESOLVED = text(`Keeps both.\n\n${write('greeting.txt', 'top\ngood morning, world\nbottom')}`)

type Given = AsyncDisposable & {
  home: MooseHome
  moose: Moose
  calls: ReceivedCall[]
  id: string
  branch: string
  /** Where the branch stood, and where the base stands since. */
  head: string
  tip: string
}

/** An order in review whose base has changed the same line since, and what the model answers from then on. */
async function conflicting(...answers: (Scripted | ScriptedBy)[]): Promise<Given> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], QUIET))
  const server = stack.use(await startModelServer(CHANGE, ...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const filed = { title: 'Greet the world', files: ['greeting.txt'], criteria: ['It is polite'] }
  const id = await fileOrder(home.database, filed)
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  const head = await home.remote.git('rev-parse', branch)
  const tip = await home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  const owned = stack.move()
  return { home, moose, calls: server.calls, id, branch, head, tip, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function verified({ moose, id }: Given, resolves: boolean) {
  await moose.orchestrator.verify(id, undefined, resolves)
  const order = await settled(moose, id)
  const { number, status, error, cost_usd: cost, steps } = order.attempt_history.at(-1) ?? assert.fail()
  return {
    order,
    message: String(error?.message),
    ended: [order.phase, number, status, error?.code],
    cost,
    names: steps.map(({ name }) => name).join(' '),
  }
}

const toldIn = ({ body }: ReceivedCall): string => {
  const { messages } = body
  assert.ok(Array.isArray(messages))
  return messages.map(({ content }) => JSON.stringify(content)).join('\n')
}

const Learnt = z.object({
  repairs: z.array(z.object({ check: z.string(), by: z.string(), mended: z.boolean() })).default([]),
  repair_cost_usd: z.number().default(0),
})

const Summed = z.object({
  proposer_response: z.object({ cost: z.number(), refinement_metadata: z.object({ cycles: z.number() }) }),
})

const outcomeOf = async ({ home, id }: Given) => {
  const rows = await home.database.db
    .selectFrom('outcome_vectors')
    .select(['attempt', 'cost', 'metadata'])
    .where('work_order_id', '=', id)
    .where('operation_type', '=', 'work_order_execution')
    .execute()
  assert.equal(rows.length, 1)
  const { attempt, cost, metadata } = rows[0] ?? assert.fail()
  const { repairs, repair_cost_usd: repairCost } = Learnt.parse(metadata)
  return { attempt, cost: Number(cost), repairs, repairCost }
}

test('what git cannot merge is resolved by the model that made the change, checked again, and merged', async () => {
  await using given = await conflicting(RESOLVED)
  const { home, moose, calls, id, branch, head, tip } = given
  const ways = new RegExp(
    `conflicts with main in: greeting.txt.*\n[^\n]*moose verify ${id.slice(0, 8)} --resolve\nOr merge [^\n]* by hand[^\n]*\nOr [^\n]*anew`,
    's',
  )
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict', message: ways })
  const why = async () => {
    const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
    return await response.text()
  }
  assert.match(await why(), /it conflicts with main in greeting\.txt, seen at .*--resolve/s)
  const { pull_request: pull } = await detailOf(moose, id)
  const { since, ...conflict } = pull?.conflict ?? assert.fail('the order tells of no conflict')
  assert.deepEqual(conflict, { base_sha: tip, head_sha: head, files: ['greeting.txt'] })
  assert.equal(pull?.tried_resolution, null)
  assert.ok(Date.parse(since) > Date.parse(String(pull?.opened_at)))
  const before = await verified(given, false)
  assert.deepEqual(before.ended, ['in_review', 2, 'blocked', 'merge_conflict'])
  assert.match(before.message, ways)
  assert.deepEqual([before.cost, calls.length], [0, 1], 'without being asked to, no model is called')

  const first = await outcomeOf(given)
  const { order, ended, names, cost } = await verified(given, true)
  assert.deepEqual(ended, ['in_review', 3, 'succeeded', undefined], order.attempt_history.at(-1)?.error?.message)
  assert.equal(names, 'route apply propose apply verify publish record')
  assert.equal(calls.length, 2)
  const told = toldIn(calls[1] ?? assert.fail())
  for (const part of ['good morning', 'hello, world', `<<<<<<< ${head}`, `>>>>>>> ${tip}`, 'Greet the world'])
    assert.ok(told.includes(part), part)
  assert.ok(!told.includes('begin other.txt'), 'files that do not conflict and are not in scope are not shown')

  assert.match(await why(), /it is ready to be merged/)
  const made = await home.remote.git('rev-parse', branch)
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', made)).split(' '), [head, tip])
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'top\ngood morning, world\nbottom')
  assert.deepEqual([order.pull_request?.head_sha, order.pull_request?.base_sha], [made, tip])
  assert.equal(order.pull_request?.conflict, null)
  assert.ok(cost > 0)
  const { proposer_response: summed } = Summed.parse(order.metadata)
  assert.ok(Math.abs(summed.cost - first.cost - cost) < 1e-12)
  assert.equal(summed.refinement_metadata.cycles, 2)
  const learnt = await outcomeOf(given)
  const repair = { check: 'merge conflict', by: 'proposer', mended: true }
  assert.deepEqual(learnt, { attempt: 1, cost: first.cost + cost, repairs: [repair], repairCost: cost })
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
  assert.equal(await home.remote.git('rev-parse', 'main^2'), made)
})

test('a resolution that fails a check is not pushed, and these two commits are not paid for again', async () => {
  await using given = await conflicting(text(write('greeting.txt', 'top\nrude\nbottom')), RESOLVED)
  const { home, calls, branch, head } = given
  const bad = await verified(given, true)
  assert.deepEqual(bad.ended, ['in_review', 2, 'failed', 'check_failed'])
  assert.equal(await home.remote.git('rev-parse', branch), head)
  assert.deepEqual((await outcomeOf(given)).repairs, [{ check: 'merge conflict', by: 'proposer', mended: false }])
  const again = await verified(given, true)
  assert.deepEqual(again.ended, ['in_review', 3, 'blocked', 'merge_conflict'])
  assert.match(
    again.message,
    /A model was asked about these very commits in attempt 2, and is asked once\.\nMerge main into .* by hand.*\n.*anew[^\n]*$/s,
  )
  assert.equal(again.order.pull_request?.tried_resolution?.attempt, 2)
  assert.equal(calls.length, 2)
  await home.remote.commit('main', { 'greeting.txt': 'top\ngood morning to all\nbottom\n' })
  assert.deepEqual((await verified(given, true)).ended, ['in_review', 4, 'succeeded', undefined])
  assert.equal(calls.length, 3)
})

test('where no answer was to blame for the end, the resolution is taken again and not paid for', async () => {
  const approve = async (isApproved: boolean) => {
    const metadata = sql<string>`metadata || jsonb_build_object('approved_by_director', ${isApproved}::boolean)`
    await given.home.database.db.updateTable('work_orders').set({ metadata }).where('id', '=', given.id).execute()
  }
  await using given = await conflicting(async () => {
    await approve(false)
    return RESOLVED
  })
  const first = await outcomeOf(given)
  const { ended, cost } = await verified(given, true)
  assert.deepEqual(ended.slice(1), [2, 'blocked', 'approval_withdrawn'])
  assert.deepEqual(await outcomeOf(given), first, 'that says nothing of the model')
  await approve(true)
  const again = await verified(given, true)
  assert.deepEqual(again.ended, ['in_review', 3, 'succeeded', undefined], again.message)
  assert.deepEqual([given.calls.length, again.cost], [2, 0])
  const repair = { check: 'merge conflict', by: 'proposer', mended: true }
  assert.ok(cost > 0)
  assert.deepEqual(await outcomeOf(given), { ...first, cost: first.cost + cost, repairs: [repair], repairCost: cost })
})

test('an answer that leaves a marker, or leaves the scope, is sent back once; then a person has to look', async () => {
  const marked = `### edit greeting.txt\n<<<<<<<< SEARCH\ntop\n========\nTOP\n>>>>>>>> REPLACE\n`
  await using given = await conflicting(text(marked), text(write('other.txt', 'mine')), RESOLVED)
  const { home, calls, branch, head } = given
  const { ended, message } = await verified(given, true)
  assert.deepEqual(ended, ['in_review', 2, 'blocked', 'merge_conflict'])
  assert.match(message, /stand-in was asked to resolve that and has not: .*other\.txt.*\nMerge main/s)
  assert.equal(calls.length, 3)
  assert.match(toldIn(calls[2] ?? assert.fail()), /Conflicts are left in: greeting\.txt/)
  assert.equal(await home.remote.git('rev-parse', branch), head)
  const { repairs, repairCost } = await outcomeOf(given)
  assert.deepEqual(repairs, [{ check: 'merge conflict', by: 'proposer', mended: false }])
  assert.ok(repairCost > 0)
})

test('a resolution that does not fit the budget of its order is not asked for, and says how to raise it', async () => {
  await using given = await conflicting(RESOLVED)
  const { home, calls, id } = given
  const { db } = home.database
  await db.updateTable('work_orders').set({ budget_usd: '0.0001' }).where('id', '=', id).execute()
  const { ended, message } = await verified(given, true)
  assert.deepEqual(ended, ['in_review', 2, 'blocked', 'merge_conflict'])
  assert.deepEqual((await outcomeOf(given)).repairs, [])
  assert.match(message, new RegExp(`the cap .*moose budget cap .*moose verify ${id.slice(0, 8)} --resolve`, 's'))
  assert.equal(calls.length, 1)
  await db.updateTable('work_orders').set({ budget_usd: '5' }).where('id', '=', id).execute()
  assert.deepEqual((await verified(given, true)).ended, ['in_review', 3, 'succeeded', undefined])
})

test('what lies outside the scope, or is no text on both sides, is left to a person, and no model is called', async () => {
  await using given = await conflicting(RESOLVED)
  const { home, calls, branch } = given
  await home.remote.commit(branch, { 'other.txt': 'by hand\n' })
  await home.remote.commit('main', { 'other.txt': 'by others\n' })
  const outside = await verified(given, true)
  assert.deepEqual(outside.ended, ['in_review', 2, 'blocked', 'merge_conflict'])
  assert.match(outside.message, /files_in_scope alone, and not other\.txt/)

  await home.remote.commit('main', { 'other.txt': 'by hand\n', 'greeting.txt': null })
  const deleted = await verified(given, true)
  assert.match(deleted.message, /is text on both sides, and greeting\.txt is not/)
  assert.equal(calls.length, 1)
})

test('where no model can resolve it, neither a merge nor a verification offers that, and why and lists say so', async () => {
  await using given = await conflicting()
  const { home, moose, id, branch } = given
  await home.remote.commit(branch, { 'other.txt': 'by hand\n' })
  assert.deepEqual((await verified(given, false)).ended, ['in_review', 2, 'succeeded', undefined])
  await home.remote.commit('main', { 'other.txt': 'by others\n' })
  const said = /A model may change files_in_scope alone, and not other\.txt\.\nMerge main into /
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict', message: said })
  const why = async () => {
    const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
    return WhyResponse.parse(await response.json()).why
  }
  const merged = await why()
  assert.match(merged.sentence, /and not other\.txt\. Merge main into .* by hand/)
  assert.deepEqual(merged.next.slice(1), [`moose close ${id.slice(0, 8)}`])
  const again = await verified(given, false)
  assert.match(again.message, said)
  const { short } = await why()
  assert.match(short, /it conflicts with main in greeting\.txt, other\.txt.*; A model may change files_in_scope alone/)
  assert.doesNotMatch(short, /a model was to resolve that/)
})

test('what somebody has pushed to the branch stays below the resolution; where git can merge, no model is called', async () => {
  await using given = await conflicting(RESOLVED)
  const { home, moose, calls, id, branch, tip } = given
  const byHand = await home.remote.commit(branch, { 'other.txt': 'by hand\n' })
  const { ended } = await verified(given, true)
  assert.deepEqual(ended, ['in_review', 2, 'succeeded', undefined])
  const made = await home.remote.git('rev-parse', branch)
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', made)).split(' '), [byHand, tip])
  assert.equal(await home.remote.git('show', `${branch}:other.txt`), 'by hand')

  await home.remote.commit('main', { 'README.md': 'moved\n' })
  assert.deepEqual((await verified(given, true)).ended, ['in_review', 3, 'succeeded', undefined])
  assert.equal(calls.length, 2)
  const clone = `${home.remote.folder}/by-hand`
  await gitIn(home.remote.folder, 'clone', '--quiet', home.remote.path, clone)
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
})
