import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderedMarkdown } from '../../test/support/github-markdown.ts'
import { BODIES, bodyOf, type Carried, HOSTILE_BODIES, MARKER, UNIT } from '../../test/support/pull-request-bodies.ts'
import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { CONFLICT, OF_PULL_REQUEST, REVIEW, type Repair } from '../contract/evidence/repair.ts'

const MOST_WORDS = 80
/** What GitHub takes. */
const MOST_CHARACTERS = 65_536
const ALL = { ...BODIES, ...HOSTILE_BODIES }

function beforeFold(body: string): string {
  const [before, ...after] = body.split('<details>')
  assert.ok(before !== undefined && after.length > 0, 'it has a fold')
  return before
}

function wordsBetweenSpaces(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}

for (const [name, body] of Object.entries(ALL)) {
  test(`${name}: at most 80 words stand before the first fold`, () => {
    const before = beforeFold(body)
    assert.ok(wordsBetweenSpaces(before) <= MOST_WORDS, before)
    assert.ok(before.length < 4_000, before)
    assert.match(before, /^\*\*.*(?:criteria|criterion).*\*\* .*\.$/m)
    assert.doesNotMatch(before, /[\u202a-\u202e\u2066-\u2069]/)
  })

  test(`${name}: GitHub takes it, its folds close, and the marker and the record are in it once`, () => {
    assert.ok(body.length < MOST_CHARACTERS, String(body.length))
    assert.equal(body.match(/^<details>$/gm)?.length, body.match(/^<\/details>$/gm)?.length)
    assert.ok(body.endsWith(`\n\n${MARKER}`))
    assert.deepEqual(body.match(/<!--/g)?.length, 2)
    assert.doesNotMatch(String(/<!-- (moose:record.*) -->/.exec(body)?.[1]), /--|>/)
    const record = recordIn(body)
    assert.equal(record?.work_order_id, /moose:wo=(\S+)/.exec(MARKER)?.[1])
    assert.ok(record !== null && record.criteria.length + record.cut.length > 0)
  })

  test(`${name}: nothing that was said elsewhere acts on GitHub, and every section of the specification is there`, () => {
    // The one line of ours that closes an issue.
    const said = body.replaceAll(/^Closes #128$/gm, '')
    assert.doesNotMatch(said, /(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w.-]+\/[\w.-]+)?#\d/i)
    assert.doesNotMatch(said, /(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+https?:/i)
    assert.doesNotMatch(said, /#\d|\bGH-\d|&#\d|\[skip ci\]|\*\*\*NO_CI|skip-checks:|Co-authored-by:/i)
    assert.doesNotMatch(said, /\/(?:issues|pull)\/\d/)
    const html = renderedMarkdown(body)
    assert.doesNotMatch(html, /<img|<details open/)
    assert.equal(html.match(/<details>/g)?.length, html.match(/<\/details>/g)?.length)
    assert.equal(html.match(/<summary>/g)?.length, html.match(/<details>/g)?.length)
    assert.doesNotMatch(html.replaceAll(/<code[^]*?<\/code>/g, ''), /(?<!\w)@\w/)
    for (const field of [
      /^## Work Order: [\w-]{36}$/m,
      /^\*\*Risk Level:\*\* medium$/m,
      /^\*\*Proposer Used:\*\* sonnet$/m,
      /^\*\*Complexity Score:\*\* 0\.42$/m,
      /^\*\*Cost:\*\* \$0\.0231$/m,
      /^\*\*Hard Stop Required:\*\* No$/m,
      /^## Description$/m,
      /^## Acceptance Criteria$/m,
      /^## Files Modified$/m,
      /^## Routing Decision$/m,
      /^## Metadata\n\n`{3,}json\n\{\n {2}"work_order_id": "[\w-]{36}",\n {2}"routing_metadata": \{/m,
    ])
      assert.match(body, field)
  })
}

test('the first lines say what was changed, the verdict, what is unproved, what was repaired and what failed before', () => {
  assert.equal(
    beforeFold(String(BODIES['all-proved'])),
    `Session tokens now expire after 30 minutes without a request, and each request renews them. The clock is injected, so that tests need not wait.

**All 3 criteria proved.** 3 of 3 checks passed on \`3f2a9b8c7d6e\`.

- **Tests changed:** \`test/expiry.test.ts\` (new)

Closes #128

`,
  )
  assert.match(
    beforeFold(String(BODIES['some-unproved'])),
    /^\*\*2 of 3 criteria proved; 1 to be looked at\.\*\* 2 of 2 checks passed on `3f2a9b8c7d6e`\.\n\n- \*\*To be looked at:\*\* 3\. Tests do not wait for real time to pass\n/m,
  )
  assert.match(
    beforeFold(String(BODIES['repaired'])),
    /^- \*\*Repaired:\*\* `lint` by its fix command; `unit` by the model \(2 tries\)$/m,
  )
  assert.match(
    beforeFold(String(BODIES['failing-base'])),
    /^- \*\*Failed on the base already:\*\* `legacy suite` \(3 failures, none new\)$/m,
  )
})

test('the risk is told by the rules, with their reasons, and what the order was filed as where that differs', () => {
  const reasons = [{ rule: 'sensitive_paths', level: 'high' as const, reason: 'src/auth/a.ts names auth\n## Fixes #1' }]
  const body = bodyOf({ parts: { risk: { level: 'high', reasons } } })
  assert.match(body, /^\*\*Risk Level:\*\* high$/m)
  assert.match(
    body,
    /^\*\*Risk Reasons:\*\* src\/auth\/a\.ts names auth ## .*\(sensitive_paths\)\. Filed as medium\.$/m,
  )
  assert.doesNotMatch(body.replaceAll(/^Closes #128$/gm, ''), /#\d/)
  const record = recordIn(body)
  assert.deepEqual([record?.risk, record?.risk_level], ['high', 'medium'])
  const ofLater = recordIn(body.replace('"risk":"high"', '"risk":"extreme"'))
  assert.equal(ofLater?.risk, 'extreme', 'a level of a later Moose leaves the record readable')
  assert.match(
    bodyOf(),
    /^\*\*Risk Level:\*\* medium\n\*\*Risk Reasons:\*\* it is filed as medium risk \(stated_medium\)\.$/m,
  )
})

test('what is said to be repaired is by what mended it in the end: a try without a commit mended nothing', () => {
  const tried = { check: 'lint', cost_usd: 0, mended: false } as const
  const foldOf = (repairs: readonly Pick<Repair, 'by' | 'head_sha'>[]) =>
    beforeFold(bodyOf({ repairs: repairs.map((repair) => ({ ...tried, ...repair })) }))
  const idle = { by: 'fix', head_sha: null } as const
  const wrong = { by: 'fix', head_sha: 'b'.repeat(40) } as const
  const model = { by: 'proposer', head_sha: 'c'.repeat(40) } as const
  assert.match(foldOf([idle, model]), /^- \*\*Repaired:\*\* `lint` by the model$/m)
  assert.match(foldOf([wrong, model]), /^- \*\*Repaired:\*\* `lint` by the model \(2 tries\)$/m)
  assert.doesNotMatch(foldOf([idle]), /Repaired/)
})

test('a conflict that was resolved is no check that failed', () => {
  const repair = { check: CONFLICT, by: 'proposer', head_sha: 'c'.repeat(40), cost_usd: 0.01, mended: true } as const
  const body = bodyOf({ repairs: [repair] })
  assert.match(beforeFold(body), /^- \*\*Repaired:\*\* `merge conflict` by the model$/m)
  assert.match(
    body,
    /^- Repair 1: git could not merge the base; the model was told and made c{12} for \$0\.0100\. The checks passed then\.$/m,
  )
})

test('what was asked for on the pull request is never said to have passed there', () => {
  const repair = { by: 'proposer', head_sha: 'c'.repeat(40), cost_usd: 0.01, mended: true } as const
  const body = bodyOf({
    repairs: [
      { ...repair, check: `unit${OF_PULL_REQUEST}` },
      { ...repair, check: REVIEW },
    ],
  })
  assert.doesNotMatch(beforeFold(body), /Repaired/)
  assert.match(body, /^- Repair 1: check unit of the pull request failed; .*; those of the pull request ran anew\.$/m)
  assert.match(body, /^- Repair 2: a review asked for changes; the model was told and made c{12}/m)
  assert.doesNotMatch(body, /It passed then/)
})

test('a conflict that was resolved is told where the project has no checks, too', () => {
  const repair = { check: CONFLICT, by: 'proposer', head_sha: 'c'.repeat(40), cost_usd: 0.01, mended: true } as const
  assert.match(
    bodyOf({ checks: [], repairs: [repair] }),
    /nothing was verified\.\n\n- Repair 1: git could not merge the base; the model was told and made c{12} for \$0\.0100\.$/m,
  )
})

const changed = (path: string) => ({ path, change: 'modified', added: 1, deleted: 9 }) as const

test('tests that the change touches are told before the fold, and a file of it that a proving check names with the checks', () => {
  const foldOf = (...files: Carried['files']) => beforeFold(bodyOf({ files }))
  assert.match(
    foldOf(changed('src/a.ts'), changed('src/a.test.ts'), { ...changed('test_b.py'), change: 'deleted' }),
    /^- \*\*Tests changed:\*\* `src\/a\.test\.ts`; `test_b\.py` \(deleted\)$/m,
  )
  assert.doesNotMatch(foldOf(changed('src/a.ts'), changed('docs/testing.md')), /Tests changed/)
  const many = Array.from({ length: 30 }, (_, index) =>
    changed(`packages/a-package-with-a-name/test/of-module-${index}.ts`),
  )
  assert.match(foldOf(...many), /^- \*\*Tests changed:\*\* `….*test\/of-module-0\.ts`; .* and \d\d more$/m)

  const run = 'sh ./verify.sh && node src/cli.js --self-test'
  const check = { ...UNIT, run }
  const files = [changed('verify.sh'), { ...changed('src/cli.js'), change: 'added' as const }, changed('cli.js')]
  const body = bodyOf({
    files,
    checks: [
      { ...check, proves: [0] },
      { ...check, name: 'other', proves: [] },
    ],
  })
  assert.match(
    body,
    /^- Check unit, which proves 1, names `verify\.sh`, changed here, and `src\/cli\.js`, new here\.$/m,
  )
  assert.doesNotMatch(body, /Check other, which/)
})

test('of more files than there is room for the first are listed in the order people count, and how many are left out', () => {
  const files = Array.from({ length: 300 }, (_, at) => changed(`src/part${at}/${'x'.repeat(30)}.js`)).toSorted(
    (one, other) => (one.path < other.path ? -1 : 1),
  )
  const body = bodyOf({ files })
  const listed = [...body.matchAll(/^- `src\/part(\d+)\/x+\.js` \(/gm)].map(([, at]) => Number(at))
  assert.deepEqual(
    listed,
    Array.from({ length: listed.length }, (_, at) => at),
  )
  assert.ok(listed.length > 80 && listed.length < 300, String(listed.length))
  assert.match(body, new RegExp(`\\n- … and ${300 - listed.length} more\\n`))
  assert.doesNotMatch(body, /\(shortened\)/)
})

test('with a note of every kind at its longest, at most 80 words stand before the fold, and each is there', () => {
  const long =
    'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen'
  const base = {
    ...UNIT,
    outcome: 'failed',
    baseline: true,
    failures: ['a', 'b'],
    failedBefore: true,
    proves: [],
  } as const
  const before = beforeFold(
    bodyOf({
      byHand: true,
      criteria: [1, 2, 3, 4].map((number) => `${number} ${long}`),
      description: 'Closes #1, #2, #3, #4 and #5',
      files: Array.from({ length: 9 }, (_, index) => changed(`test/a b c ${index}.test.ts`)),
      checks: Array.from({ length: 9 }, (_, index) => ({ ...base, name: `legacy ${index} of them` })),
      repairs: Array.from({ length: 9 }, (_, index) => {
        return {
          check: `unit ${index} of them`,
          by: 'fix',
          head_sha: 'b'.repeat(40),
          cost_usd: 0,
          mended: true,
        } as const
      }),
    }),
  )
  assert.ok(wordsBetweenSpaces(before) <= MOST_WORDS, `${wordsBetweenSpaces(before)} words: ${before}`)
  for (const title of ['Changed by hand', 'To be looked at', 'Repaired', 'Tests changed', 'Failed on the base already'])
    assert.ok(before.includes(`- **${title}:** `), title)
  assert.match(before, /Closes #1, closes #2, closes #3, closes #4, closes #5/)
})

test('a file that a person changed outside of the scope is named as that, before the fold and among the files', () => {
  const file = (path: string) => ({ path, change: 'modified' as const, added: 1, deleted: 0 })
  const inside = file('src/session.ts')
  const body = bodyOf({ files: [inside, file('docs/notes.md')] })
  assert.match(beforeFold(body), /^- \*\*Changed by hand:\*\* `docs\/notes\.md` outside of the scope of the order$/m)
  assert.match(
    body,
    /^- `docs\/notes\.md` \(modified, \+1 −0\), \*\*outside of the scope of the order: changed by hand\*\*$/m,
  )
  assert.match(body, /^- `src\/session\.ts` \(modified, \+1 −0\)$/m)
  const more = bodyOf({ files: [inside, file('a b.md'), file('c.md')] })
  assert.match(beforeFold(more), /^- \*\*Changed by hand:\*\* 2 files outside of the scope of the order$/m)
  assert.doesNotMatch(bodyOf({ files: [inside] }), /outside of the scope/)
})

test('of more files than there is room for those that a person changed outside of the scope come first', () => {
  const files = Array.from({ length: 300 }, (_, at) => changed(`src/part${at}/${'x'.repeat(30)}.js`))
  const body = bodyOf({ files: [...files, changed('docs/z.md'), changed('web/a.js')] })
  const outside = String.raw`\(modified, \+1 −9\), \*\*outside of the scope of the order: changed by hand\*\*`
  assert.match(body, new RegExp(`\n- \`docs/z\\.md\` ${outside}\n- \`web/a\\.js\` ${outside}\n- \`src/part0/`))
  assert.match(body, /^- … and \d+ more$/m)
})

test('what a model does not say is told by the title of the order, and nothing it says passes for a verdict', () => {
  assert.match(bodyOf({ says: '' }), /^Expire idle sessions\n\n\*\*All 3/)
  const forged = bodyOf({ says: '**All 9 criteria proved.** 9 of 9 checks passed on `3f2a9b8c7d6e`.', checks: [] })
  assert.match(forged, /^All 9 criteria proved\. 9 of 9/)
  assert.match(
    forged,
    /^\*\*0 of 3 criteria proved; 3 to be looked at\.\*\* Nothing was verified: the project has no checks\.$/m,
  )
})

test('no name and no reason begins a section', () => {
  const text = 'x\n\n## Checks\n\n</details>\n'
  const forged = bodyOf({ proposer: text, reason: text, says: text })
  assert.equal(forged.match(/^## Checks$/gm)?.length, 1)
  assert.equal(forged.match(/^<\/details>$/gm)?.length, forged.match(/^<details>$/gm)?.length)
})

test('what a reader would not see, or be misled by, in a name or a reason of a service is spelt out', () => {
  const text = `\u001b[31mours${String.fromCodePoint(0x202e)}sruo`
  const told = bodyOf({ proposer: text, reason: text, rejections: [text], added: { [text]: text } })
  const shown = told.replace(/<!-- moose:record .*?-->/s, '')
  assert.deepEqual(
    shown.split('\n').filter((line) => /[\u001b\u202e]/.test(line)),
    [],
  )
  assert.match(told, /<summary>Cost and model: [^\n]*\\u\{1b\}\[31mours\\u\{202e\}sruo<\/summary>/)
})

test('a criterion is told with its evidence: check, commit, command and time', () => {
  assert.match(
    String(BODIES['all-proved']),
    /^- \[x\] Each request renews the session — proved by check unit on 3f2a9b8c7d6e\n {2}- `npm test` in 12\.4s$/m,
  )
  assert.match(String(BODIES['some-unproved']), /^- \[ \] Tests do not wait for real time to pass$/m)
})

test('criteria that are too long together are each cut, and none is left out', () => {
  const body = String(BODIES['huge'])
  assert.equal(body.match(/^- \[[ x]\] Module \d+ takes its time/gm)?.length, 50)
  assert.match(body, /^- \[ \] Module 50 takes .*…$/m)
})

test('issues are closed only by a line of the description that says so', () => {
  assert.match(bodyOf(), /^Closes #128$/m)
  assert.doesNotMatch(bodyOf({ description: 'It closes #128 in the end.', title: 'Fix #128' }), /#128/)
  assert.match(bodyOf({ description: 'Fixes #1, #2\nResolves #3' }), /^Closes #1, closes #2, closes #3$/m)
})

test("the repository's template gives its headings: summary above the first fold, the rest below the folds", () => {
  const body = String(BODIES['template'])
  assert.match(body, /^## Summary\n\nSession tokens now expire/)
  const below = body.slice(body.lastIndexOf('</details>'))
  assert.match(below, /^## Type of change\n\n- \[ \] Bug fix\n- \[ \] New feature$/m)
  assert.match(below, /^## How was it tested\?\n\n- `unit` passed: `npm test` in 12\.4s\n- `lint` passed/m)
  assert.match(below, /^- \[ \] I have added tests$/m)
  assert.doesNotMatch(body, /Thank you/)
})

test('a path in the record is whole, or its list is said to be cut: a shortened one would be another file', () => {
  const paths = (most: number, length: number) =>
    Array.from({ length: most }, (_, index) => `${index}/`.padEnd(length, 'folder/'))
  for (const [most, length] of [
    [1, 500],
    [12, 500],
    [30, 61],
    [30, 200],
    [100, 41],
  ] as const) {
    const all = paths(most, length)
    const files = all.map((path) => ({ path, change: 'modified' as const, added: 1, deleted: 1 }))
    const record = recordIn(bodyOf({ files })) ?? assert.fail()
    const kept = record.files.map(({ path }) => path)
    assert.deepEqual(kept, all.slice(0, kept.length))
    assert.equal(record.cut.includes('files'), kept.length < most, `${most} of ${length}`)
    if (length * most < 4_000) assert.equal(kept.length, most)
  }
})

test('the record says the same to programs, whatever is in it', () => {
  const record = recordIn(String(BODIES['failing-base']))
  assert.deepEqual([record?.criteria_count, record?.proved_count, record?.closes], [3, 1, [128]])
  assert.deepEqual(record?.criteria[0], {
    number: 1,
    text: 'A session that was idle for 30 minutes is refused with 401',
    proved_by: 'unit',
  })
  assert.deepEqual(record?.checks[2]?.baseline, true)
  assert.deepEqual(record?.shown, [{ path: 'src/session.ts', why: 'scope', bytes: 4_120 }])
  assert.deepEqual(recordIn(String(BODIES['huge']))?.cut.includes('files'), true)
  const odd = '--> <!-- @octo #1 [skip ci] " \\ \u{1f98c} fixes https://x'
  assert.equal(recordIn(bodyOf({ criteria: [odd] }))?.criteria[0]?.text, odd)
  assert.equal(recordIn('<!-- moose:record {"version":2} -->'), null)
  assert.equal(recordIn('A `<!-- moose:record {} -->` of others'), null)
})
