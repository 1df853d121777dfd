import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergedByIn, mergedByText } from './merged-by.ts'

test('what merged a pull request is told as a rule, as auto-merge, as a person, or not at all', () => {
  assert.equal(mergedByText({ is: 'rule', name: null }), ' by a rule of the merge policy')
  assert.equal(mergedByText({ is: 'auto_merge', name: null }), " by GitHub's auto-merge (requested by Moose)")
  assert.equal(mergedByText({ is: 'person', name: 'octo' }), ' by octo')
  assert.equal(mergedByText({ is: 'person', name: null }), ' by a person')
  assert.equal(mergedByText(mergedByIn({ pr_url: 'x' })), '')
})
