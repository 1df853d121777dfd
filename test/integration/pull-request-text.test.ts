import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordIn } from '../../src/contract/evidence/pull-request-record.ts'
import { moose as mooseCommand } from '../support/moose-command.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: greets, run: test -s greeting.txt, proves: [1] }\n',
}
const GREET = {
  task: 'Greet the world @octo',
  turn: 1,
  text: 'The greeting names the world now, as @octo asked.\n\n### write greeting.txt\n```\nhello, world\n```\n',
}
const TEMPLATE = '<!-- Thank you! -->\n## Description\n\n## Testing\n\nSay how.\n\n## Checklist\n\n- [x] It has tests\n'

/** The pull request of an order that closes issue 7, by its description alone. */
async function published(home: MooseHome): Promise<{ title: string; body: string; subject: string }> {
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const filed = { title: GREET.task, files: ['greeting.txt'], criteria: ['It greets', 'It is kind'], approved: false }
  const id = await fileOrder(home.database, filed)
  const order = { description: 'Greet better, fixes #6.\n\nCloses #7', metadata: '{}' }
  const change = (values: Partial<typeof order>) =>
    home.database.db.updateTable('work_orders').set(values).where('id', '=', id).execute()
  await change(order)
  await change({ metadata: JSON.stringify({ approved_by_director: true }) })
  const { phase, status_reason: reason, github_branch: branch } = await settled(moose, id)
  assert.equal(phase, 'in_review', JSON.stringify(reason))
  const { pull_request: pull } = await detailOf(moose, id)
  const subject = await home.remote.git('log', '-1', '--format=%B', String(branch))
  return { title: String(pull?.title), body: String(pull?.body), subject }
}

test("a pull request has the model's summary, the issue it closes and the repository's template, and its commit neither", async () => {
  await using home = await createMooseHome({ ...FILES, '.github/PULL_REQUEST_TEMPLATE.md': TEMPLATE }, [GREET])
  const { title, body, subject } = await published(home)
  assert.match(
    body.replaceAll('\u200b', ''),
    /^## Description\n\nThe greeting names the world now, as @octo asked\.\n\n\*\*1 of 2 criteria proved; 1 to be looked at\.\*\* 1 of 1 check passed on `[0-9a-f]{12}`\.\n\n- \*\*To be looked at:\*\* 2\. It is kind\n\nCloses #7\n\n<details>/,
  )
  assert.match(
    body,
    /^## Testing\n\n- `greets` passed: `test -s greeting\.txt` in [\d.]+s\n\n## Checklist\n\n- \[ \] It has tests\n\n---$/m,
  )
  assert.doesNotMatch(`${title}\n${body}\n${subject}`, /@octo|#6/)
  assert.doesNotMatch(title + subject, /#7/)
  const record = recordIn(body)
  assert.deepEqual([record?.closes, record?.proved_count, record?.criteria_count], [[7], 1, 2])
})

test('moose show prints the text of a pull request alone, as it is', async () => {
  await using home = await createMooseHome(FILES, [GREET])
  const { title, body } = await published(home)
  const { environment } = home
  const { id } = await home.database.db.selectFrom('work_orders').select('id').executeTakeFirstOrThrow()
  const { stdout } = await mooseCommand(['show', id, '--pull-request'], { environment })
  assert.equal(stdout, `${title}\n\n${body}\n`)
  const none = await fileOrder(home.database, { title: 'Later', files: ['greeting.txt'], approved: false })
  const refused = await mooseCommand(['show', none, '--pull-request'], { environment })
  assert.match(refused.stderr, /has no pull request yet\. See where it stands: .*show/)
  assert.notEqual(refused.exitCode, 0)
  const both = await mooseCommand(['show', id, '--pull-request', '--diff'], { environment })
  assert.match(both.stderr, /cannot be used with option '--diff'/)
})

const NO_TEMPLATES: Record<string, Parameters<MooseHome['remote']['commit']>[1][string]> = {
  'that is a link': { link: '../greeting.txt' },
  'of eleven megabytes': '## Description\n'.repeat(750_000),
  'that is binary': '## Description\n\0\u0001\n',
}
for (const [name, template] of Object.entries(NO_TEMPLATES)) {
  test(`a template ${name} is none`, async () => {
    await using home = await createMooseHome(FILES, [GREET])
    await home.remote.commit('main', { '.github/pull_request_template.md': template })
    const { body } = await published(home)
    assert.match(body, /^The greeting names the world now/)
  })
}
