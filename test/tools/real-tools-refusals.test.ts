import assert from 'node:assert/strict'
import { test } from 'node:test'
import { block, says } from '../support/aider-bench.ts'
import { hostileFiles } from '../support/hostile-repository.ts'
import { assertLeft, assertUntouched, IDEA, SCOPE, startHostile } from '../support/hostile-setting.ts'
import { fileBySql, lackingRealTools, type RealTools, settledOverHttp } from '../support/real-tools.ts'

/** One service for the whole file: what an order leaves behind would be in the way of the next. */
test('orders the real Aider must not carry out, in a hostile repository', {
  timeout: 300_000,
  skip: lackingRealTools(),
}, async (t) => {
  await using setting = await startHostile()
  const { tools, trap } = setting
  await tools.home.remote.commit('main', hostileFiles(trap))
  await t.test('edits that leave the scope fail the order by name and leave nothing', () => refuse(tools))
  await t.test('edits through a link fail the order too', () => refuseThroughLink(tools))
  let kept = ''
  await t.test('a commit that fails its check fails the order, and is kept to be verified again', async () => {
    const order = await fail(tools, block('greeting.txt', 'hello', 'good day'))
    assert.equal(order.status_reason?.code, 'check_failed')
    kept = order.id
  })
  await t.test('nothing was executed, asked for or told', () => assertUntouched(setting))
  await t.test('what is left is the base and that commit', () => assertLeft(setting, [kept]))
})

async function refuse(tools: RealTools): Promise<void> {
  const order = await fail(tools, block('other.txt', 'other', 'changed'))
  assert.equal(order.status_reason?.code, 'aider_out_of_scope')
  assert.match(order.status_reason.message, /other\.txt/)
}

/** Aider never sees the link: it either finds nothing to edit there, or makes a file that may not be there. */
async function refuseThroughLink(tools: RealTools): Promise<void> {
  const order = await fail(tools, block('docs/leak.txt', '', 'changed'))
  assert.match(String(order.status_reason?.code), /^aider_(malformed_edits|out_of_scope)$/)
}

/** An order that fails whatever Aider is told, and adds nothing to the repository. */
async function fail(tools: RealTools, answer: string) {
  const { github, home, model } = tools
  const before = [await home.remote.branches(), github.state.pulls.length]
  model.script.splice(0, model.script.length, says(IDEA), says(answer))
  const id = await fileBySql(tools, { title: 'Change another', description: 'As said.', files: SCOPE })
  const order = await settledOverHttp(tools, id)
  assert.equal(order.status, 'failed')
  assert.deepEqual([await home.remote.branches(), github.state.pulls.length], before)
  return order
}
