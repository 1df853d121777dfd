import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGitHubSetting } from '../support/github/github-setting.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const ANSWER = { task: 'Change a', turn: 1, text: '### write a\n```\n2\n```\n' }

async function executed(home: MooseHome): Promise<unknown> {
  await using moose = await home.open('client')
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a'] })
  return await moose.orchestrator.execute(id, new AbortController().signal).catch((error: unknown) => error)
}

test('what would forbid the pull request in the end ends the order before anything is paid', async (t) => {
  for (const tool of ['gh', 'openssl']) if (toolOrSkip(t, tool) === null) return
  await using given = await createGitHubSetting()
  const { github } = given
  const settings = { GH_TOKEN: github.token, ...github.network }
  for (const { forbid, environment, code, names } of [
    { forbid: () => (github.state.settings.push = false), environment: {}, code: 'github_forbidden', names: /push/ },
    {
      forbid: () => (github.state.settings.push = true),
      environment: { GH_TOKEN: 'ended' },
      code: 'github_unauthorized',
      names: /gh auth login/,
    },
    { forbid: () => undefined, environment: { PATH: '/nonexistent' }, code: 'command_missing', names: /\bgh\b/ },
  ]) {
    forbid()
    await using home = await createMooseHome({ a: '1\n' }, [ANSWER], { ...settings, ...environment })
    const repository = { repository: 'https://github.com/acme/shop.git', forge: 'github' } as const
    await home.database.db.updateTable('projects').set(repository).execute()
    const fault = await executed(home)
    assert.ok(fault instanceof Error && 'code' in fault, String(fault))
    assert.equal(fault.code, code, fault.message)
    assert.match(fault.message, names)
    const { calls } = await home.database.db
      .selectFrom('model_calls')
      .select((eb) => eb.fn.countAll<string>().as('calls'))
      .executeTakeFirstOrThrow()
    assert.equal(Number(calls), 0)
  }
})
