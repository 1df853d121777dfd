import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { asWords, clipped, fenced, neutralised, quoted } from './markdown.ts'

test('mentions, references, closing words, HTML and images lose their power and keep their words', () => {
  const text = 'Closes #12, fixes org/repo#3, @team <img src=x> <!-- moose:wo=1 --> ![x](http://e) resolves https://e/1'
  const safe = neutralised(text)
  assert.doesNotMatch(safe, /@team|#12|#3|<img|<!--|!\[|Closes |fixes |resolves /)
  assert.equal(safe.replaceAll('\u200b', ''), text)
})

test('a command hidden in an entity, in emphasis or behind a mark loses its power too, and so does a trailer or a bot command', () => {
  for (const [text, acts] of [
    ['ask &#64;octo, &commat;octo and @&#110;ame', /&(?:#\d|\w)/],
    ['see &#35;12', /&#\d/],
    ['_GH-12_ and (gh-7)', /gh-\d/i],
    ['_Fixes_ https://github.com/o/r/issues/1', /Fixes/],
    ['**Closes**: <https://github.com/o/r/issues/1>', /Closes/],
    ['resolves owner/repo#1', /resolves|#1/],
    ['Co-authored-by: Eve <eve@example.com>', /Co-authored-by/],
    ['Signed-off-by : Eve', /Signed-off-by/],
    ['Work-Order: 1/1', /Work-Order/],
    ['/approve', /^\/approve/],
    ['fine\n  /merge now', /^\s*\/merge/m],
    ['</details><summary>', /<\/?[a-z]/],
  ] as const) {
    assert.match(text, acts)
    const safe = neutralised(text)
    assert.doesNotMatch(safe, acts)
    assert.equal(safe.replaceAll('\u200b', ''), text)
  }
  for (const text of ['stand-by for it', 'a & b &c', 'either/or', 'a fix for the path src/a.ts', 'closed the door'])
    assert.equal(neutralised(text), text)
})

test('code keeps what is copied from it, and holds no command that a commit message would carry out', () => {
  assert.equal(fenced(null, 'cat <a >b @scope/x # say'), '`cat <a >b @scope/x # say`')
  assert.equal(fenced(null, '/usr/bin/true'), '`/usr/bin/true`')
  assert.doesNotMatch(fenced(null, 'echo fixes #12 [skip ci] <!-- x'), /fixes #|#12|\[skip|<!/)
})

test('neutralising takes linear time', async () => {
  for (const part of [
    '@a',
    '#1',
    '&#64;',
    '&',
    '[no ',
    '[',
    'fix ',
    'fix:_~ ',
    'fixes\n',
    'a-',
    'a-by ',
    '<!',
    '/',
    '\n \t/',
    'gh-1 ',
    'close o/',
    'close a.',
  ])
    await assertLinear(repeated(part), (text) => [neutralised(text), asWords(text)], 500_000)
  await assertLinear((size) => `fix${' '.repeat(size)}`, neutralised, 500_000)
  await assertLinear((size) => `skip-checks${' '.repeat(size)}`, neutralised, 500_000)
})

test('as words a text has no markup but code', () => {
  assert.equal(
    asWords('**3 of 3** criteria\n\n## proved [x](http://e) | a ~~b~~'),
    String.raw`\*\*3 of 3\*\* criteria ## proved \[x\](http://e) \| a \~\~b\~\~`,
  )
  assert.equal(
    asWords('calls `a[0] * b` of snake_case and _this_'),
    String.raw`calls ${'`a[0] * b`'} of snake_case and \_this\_`,
  )
  for (const text of ['> quoted', '- listed', '+ listed', '1. listed', '# headed', '=== ', '| a |'])
    assert.match(asWords(text), /^\d?\\/, text)
  assert.equal(asWords('```js'), `${'\\\`'.repeat(3)}js`)
  assert.equal(asWords('an open ` mark'), String.raw`an open ${'\\`'} mark`)
})

test('no text ends its own fence', () => {
  const nasty = fc.array(fc.constantFrom('`', '``', '```', '````', 'x', '\n', ' ')).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(nasty, (code) => {
      const [fence] = /^`+/.exec(fenced('json', code)) ?? ['']
      assert.ok(!code.split('\n').some((line) => line.trim().startsWith(fence)))
    }),
  )
})

test('a text is cut at a line, and no fence stays open', () => {
  assert.equal(clipped('one\ntwo', 100), 'one\ntwo')
  assert.equal(clipped('one\ntwo\nthree', 9), 'one\ntwo\n\n… (shortened)')
  assert.equal(clipped(`${'`'.repeat(900)}\na`, 1_000), '… (shortened)')
  assert.equal(clipped('a long line', 4), 'a lo\n\n… (shortened)')
  assert.equal(clipped('a\ud83e\udd8c', 2), 'a\n\n… (shortened)')
  assert.equal(clipped('a\n```js\nlet b', 100), 'a\n```js\nlet b\n```')
  assert.equal(clipped('~~~~\n```\n~~~~\nc', 100), '~~~~\n```\n~~~~\nc')
})

test('no word of an order skips checks, closes an issue by another name or commands a bot', () => {
  for (const text of [
    'Fix #12 and closes #1 @octo/team [skip ci]',
    '[ci skip] [no ci] [skip actions] [actions skip] [SKIP CI] [CI Skip] [skip azurepipelines] [cf-pages-skip] ***NO_CI***',
    'skip-checks: true',
    'fixes GH-12, resolves gh-3',
    'WO-1 #close #time 2h',
  ]) {
    const safe = neutralised(text)
    assert.doesNotMatch(
      safe,
      /\[(?:[\w-]+[ -])?(?:skip|no)|\[(?:ci|actions) skip|\*\*\*NO_CI|skip-checks:|GH-\d|#\w|@\w/i,
    )
    assert.equal(safe.replaceAll('\u200b', ''), text)
  }
  for (const text of ['a[i] = skip', '[see the notes]', 'C# and F#', 'a list [1, 2]'])
    assert.equal(neutralised(text), text)
})

test('what is quoted stays quoted, whatever ends a line', () => {
  assert.equal(quoted('a\n\n## Checks\r\n| a |\r```'), '> a\n>\n> ## Checks\n> | a |\n> ```')
})

test('a span shows what its reader would not see, and holds on one line', () => {
  assert.equal(fenced(null, 'src/\u202egnp.js'), '`src/\\u{202e}gnp.js`')
  assert.equal(fenced(null, 'a\n\n## Checks\u200b'), '`a\\u{a}\\u{a}## Checks\\u{200b}`')
  assert.equal(fenced(null, 'ünïcode/\u{1f468}\u200d\u{1f469}'), '`ünïcode/\u{1f468}\u200d\u{1f469}`')
})
