import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { filledTemplate, templatePath } from './pull-request-template.ts'

const FILLING = { summary: 'It greets the world.', checks: '- `unit` passed', issues: 'Closes #12' }

test('a template is found where GitHub looks, in its order and in any case', () => {
  const path = 'pull_request_template.md'
  assert.equal(templatePath(['a.ts', `docs/${path}`, path, `.github/${path}`]), `.github/${path}`)
  assert.equal(templatePath([`docs/${path}`, path]), path)
  assert.equal(templatePath(['docs/PULL_REQUEST_TEMPLATE.txt']), 'docs/PULL_REQUEST_TEMPLATE.txt')
  assert.equal(templatePath(['.GitHub/Pull_Request_Template']), '.GitHub/Pull_Request_Template')
  for (const other of [`src/${path}`, 'pull_request_template.ts', 'my_pull_request_template.md', `.github/x/${path}`])
    assert.equal(templatePath([other]), null)
})

test('of a folder of templates the default is taken, or the only one, else none', () => {
  const folder = '.github/PULL_REQUEST_TEMPLATE/'
  assert.equal(templatePath([`${folder}feature.md`]), `${folder}feature.md`)
  assert.equal(templatePath([`${folder}bug.md`, `${folder}default.md`]), `${folder}default.md`)
  assert.equal(templatePath([`${folder}bug.md`, `${folder}feature.md`]), null)
  assert.equal(
    templatePath([`${folder}bug.md`, `${folder}feature.md`, 'docs/pull_request_template.md']),
    'docs/pull_request_template.md',
  )
})

test('sections for a summary, for tests and for issues are filled, others stay, and no box is ticked', () => {
  const template = `---
name: Pull request
---
<!-- Thank you! -->
## What does this change?

Please include a summary of the change.

- [ ] It is small

## Type of change

- [x] Bug fix

## How has this been tested?

<!-- Describe the tests. -->
Please describe the tests.

## Linked issues

Fixes #(issue)

## Checklist

- [X] I have read <a href="x">the guide</a>
`
  assert.deepEqual(filledTemplate(template, FILLING), {
    above: '## What does this change?',
    below: `- [ ] It is small

## Type of change

- [ ] Bug fix

## How has this been tested?

- \`unit\` passed

## Linked issues

Closes #12

## Checklist

- [ ] I have read the guide`,
  })
})

test('a template that begins with something else stands below, and one without issues keeps its words for them', () => {
  const text =
    'Read CONTRIBUTING.md first.\n\n**Description**\n\nWords.\n\n**Issue:**\n\nNone yet.\n\n```\n# no heading\n```\n'
  assert.deepEqual(filledTemplate(text, { ...FILLING, issues: null }), {
    above: '',
    below:
      'Read CONTRIBUTING.md first.\n\n**Description**\n\nIt greets the world.\n\n**Issue:**\n\nNone yet.\n\n```\n# no heading\n```',
  })
  assert.deepEqual(filledTemplate('# Pull request\r\n\r\n## Summary\r\n', FILLING), {
    above: '# Pull request\n\n## Summary',
    below: '',
  })
  assert.equal(filledTemplate(`## Summary ${'of it '.repeat(20)}`, FILLING).above, '')
  assert.deepEqual(filledTemplate(' \n<!-- nothing', FILLING), { above: '', below: '' })
})

test('nothing in a template acts on the forge, and it is bounded', () => {
  const { above, below } = filledTemplate(
    'cc @octo/team\n\n## Notes\n\nFixes #1 ![x](http://e) </details> [skip ci]\n/approve',
    FILLING,
  )
  assert.doesNotMatch(above + below, /@octo|#1|!\[|<|\[skip|^\/approve/m)
  assert.ok(filledTemplate('## Notes\n\nwords\n'.repeat(100_000), FILLING).below.length < 7_000)
})

test('it takes linear time', async () => {
  for (const part of ['<!--', '<a ', '<', '---\n', '## What\n', '**a', '- [x] \n', '\n', '`', '```\n'])
    await assertLinear(repeated(part), (text) => filledTemplate(text, FILLING), 500_000)
})
