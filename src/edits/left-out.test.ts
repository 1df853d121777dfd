/** Excerpts of files, and files with words in place of lines. They are put into no file; what is whole is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../test/support/edit-outcome.ts'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { standsForLines } from './left-out.ts'

const START = "import { listen } from './net.ts'\n\nexport function start(port) {\n  return listen(port)\n}\n"
const STOP = '\nexport function stop(server) {\n  server.close()\n}\n'
const TESTS = [
  "import assert from 'node:assert'\nimport { add, subtract } from '../math.js'\n",
  "\ntest('adds two numbers', () => {\n  assert.equal(add(1, 2), 3)\n})\n",
  "\ntest('subtracts two numbers', () => {\n  assert.equal(subtract(3, 2), 1)\n})\n",
]
const FILES: Files = {
  'src/server.ts': START + STOP,
  'app/main.py': 'import os\n\n\ndef start(port):\n    return port\n\n\ndef stop(server):\n    server.close()\n',
  'test/math.test.js': TESTS.join(''),
  'src/math.js':
    'export const add = (a, b) => a + b\nexport const subtract = (a, b) => a - b\nexport const one = 1\nexport const two = 2\n',
}
const NEW_START = START.replace('listen(port)', 'listen(port ?? 80)')
const fence = (body: string, info = 'ts') => `\`\`\`${info}\n${body}\`\`\``
const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}=======\n${replace}>>>>>>> REPLACE`

const PLACEHOLDERS = [
  '// The rest remains unchanged',
  '// (rest of the file is the same)',
  '// [stop() omitted for brevity]',
  '// stop() unchanged',
  '// stop is the same as before',
  '// stop() stays as is',
  '// stop: no change',
  '// Everything else is as it was',
  '// Other functions here',
  '// keep stop() here',
  '// existing stop()',
  '// Leave stop() alone',
  '// and stop()',
  '// more code',
  '...rest of the file',
  'export function stop(server) { /* ... */ }',
  'export function stop(server) {\n  // implementation\n}',
  '// stop() goes here',
  '// rest of file',
  '// remaining exports',
  '// etc.',
  '// <snip>',
  '// not shown: stop()',
  '// stop() is untouched',
  '// previous implementation of stop()',
  '/* stop() unchanged */',
  '/**\n * The other functions are not repeated here.\n */',
  '[rest of the file unchanged]',
  '(the rest of the file is the same)',
  '<rest of file unchanged>',
  'The rest of the file remains unchanged.',
  'export function stop(server) { ... }',
  'export function stop(server) { /* unchanged */ }',
  'export function stop(server) {} // same as before',
  'start(80) // the rest of the file is unchanged',
  '// the existing stop() should be here',
  'export function stop(server) {\n  // implementation unchanged\n}',
  'export function stop(server) {\n  // same\n}',
  'stop() unchanged',
  '`stop()` is unchanged',
  'stop(): not shown',
  'stop(server) stays the same',
  'export function stop(server) unchanged',
  '// ===== unchanged =====',
  '===== unchanged =====',
  '// ----- the rest stays as it is -----',
]

for (const placeholder of PLACEHOLDERS)
  test(`words in place of lines of a file are put into none: ${placeholder}`, async () => {
    const body = `${NEW_START}\n${placeholder}\n`
    const answers = [
      `Here is the complete file src/server.ts:\n\n${fence(body)}\n`,
      `**src/server.ts** (complete file)\n${fence(body)}\n`,
      `### write src/server.ts\n${fence(body)}\n`,
      `**src/server.ts**\n${fence(body)}\n`,
    ]
    for (const answer of answers) await refusalOf(FILES, answer)
  })

test('words in place of lines are known in the comments of other languages', async () => {
  const start = 'import os\n\n\ndef start(port):\n    return port or 80\n\n\n'
  for (const words of ['# stop() unchanged', 'def stop(server): ...  # unchanged', '"""The rest is the same."""'])
    await refusalOf(FILES, `### write app/main.py\n${fence(`${start}${words}\n`, 'python')}\n`)
})

const SERVERS: Files = {
  'a.ts':
    'function start() {\n  return listen(1)\n}\n\nfunction stop() {\n  close()\n  free()\n}\n\nfunction restart() {\n  stop()\n  start()\n}\n',
  'a.py':
    'def start():\n    return listen(1)\n\n\ndef stop():\n    close()\n    free()\n    return 1\n\n\ndef restart():\n    stop()\n    start()\n',
  'b.ts': 'function a() {\n  return 1\n}\n\nfunction b() {\n  return 2\n}\n\nfunction c() {\n  return 3\n}\n',
}
const BELOW_OTHERS: [path: string, start: string, words: string][] = [
  ...[
    '// start() now has a default port\n// stop() and restart() unchanged',
    '// start() now has a default port,\n// stop() and restart() are as before',
    '// The default port is now 80, as the order asks\n// stop and restart are unchanged',
    '// The server is stopped below\n// existing implementation',
    '// Stops and restarts the server\n// same as before, omitted',
    '// The port is read from the environment\n// existing helpers below',
    '// All functions below should remain unchanged',
    '// Helper functions should stay the same',
    '/* functions must remain unchanged */',
    '// stop and restart should be kept',
  ].map((words): [string, string, string] => ['a.ts', 'function start() {\n  return listen(80)\n}\n\n', words]),
  ...[
    '# Stops the server and frees its port\n# existing implementation',
    '# Stops the server and frees its port\n# (unchanged)',
    '# stop and restart should stay the same',
    'def stop():\n    return  # unchanged\n\n\ndef restart():\n    stop()\n    start()',
  ].map((words): [string, string, string] => ['a.py', 'def start():\n    return listen(80)\n\n\n', words]),
  ['b.ts', 'function a() {\n  return 11\n}\n\n', '// b and c should be kept'],
  ['b.ts', 'function a() {\n  return 11\n}\n\n', 'b // unchanged'],
]
for (const [path, start, words] of BELOW_OTHERS)
  test(`words in place of lines are put into no file, whatever stands before them: ${words.replaceAll('\n', ' / ')}`, async () => {
    await refusalOf(SERVERS, `### write ${path}\n${fence(`${start}${words}\n`, '')}\n`)
  })

const SAID_OF_CODE: Record<string, [gone: string, fresh: string]> = {
  'a string that is printed': ['a()\nb()\nc()', "console.log(' %s (unchanged)', name)"],
  'a message of an error': ['a()\nb()\nc()', "throw new Error('gave up; the pane is unchanged')"],
  'a list of words': ['a()\nb()\nc()', '["truncated", "y"],'],
  'a value that is whole': ['a()\nb()\nc()', 'const body = read() // all of it, not truncated'],
  'the end of a sentence': [
    'a()\nb()\nc()',
    '/** Unlike every handler that talks to the network, which is slow,\n * the other. */\nstart()',
  ],
  'an example in a comment': ['a()\nb()\nc()', '// if (isOld(file)) { ... }\nstart()'],
}
for (const [name, [gone, fresh]] of Object.entries(SAID_OF_CODE))
  test(`words of code stand for no lines: ${name}`, async () => {
    const lines = Array.from({ length: 9 }, (_, at) => `const line${at} = ${at}`).join('\n')
    const body = `${lines}\n${fresh}\n`
    const out = await outcomeOf({ 'a.ts': `${lines}\n${gone}\n` }, `### write a.ts\n${fence(body, 'ts')}\n`)
    assert.deepEqual(out, { 'a.ts': body })
  })

test('an example of what is done stands for no lines of a document', async () => {
  const [old, fresh] = ['# A\n\none\ntwo\nthree\n', '# A\n\n    # ... do the work ...\n']
  assert.deepEqual(await outcomeOf({ 'A.md': old }, `### write A.md\n${fence(fresh, '')}\n`), { 'A.md': fresh })
})

test('words in place of lines of a SEARCH are put into no file', async () => {
  const search = `export function start(port) {\n  return listen(port)\n}\n${STOP}`
  for (const words of [
    '// stop() unchanged',
    '// The rest remains the same as before',
    '// stop() omitted for brevity',
  ])
    assert.match(
      await refusalOf(FILES, `### edit src/server.ts\n${pair(search, `export const start = listen\n\n${words}\n`)}`),
      /stands for text that is there/,
    )
})

const OF_OTHERS = [
  'handlers for users and orders unchanged',
  'error handling as before',
  'Remaining business logic goes here',
  'Other event listeners remain as they were',
  'unchanged: closing the server',
  'user endpoint: same as original',
]

for (const words of OF_OTHERS)
  test(`a short remark about code that is lost may use other words than that code: ${words}`, async () => {
    for (const remark of [`// ${words}`, `/* ${words} */`])
      await refusalOf(FILES, `### write src/server.ts\n${fence(`${NEW_START}\n${remark}\n`)}\n`)
  })

const DOCUMENTED = [
  '/** A server that is closed already is left as it is, and no other one is touched. */',
  '/** Stops it. Sockets of other servers stay open; the same server may be stopped again. */',
  '/** The remaining sockets, as they are when it stops. */',
  '// Nothing below waits for it: the rest of the process continues meanwhile.',
  '//=> {…}',
  '/**\n * @returns why it is kept as it is; null: it was closed\n */',
]

for (const comment of DOCUMENTED)
  test(`a comment that documents new code may stand where more lines go: ${comment}`, async () => {
    const end = `\n${comment}\nexport const stop = (server) => server.close()\n`
    const files = { 'src/server.ts': `${START}${STOP.replace('{\n', '{\n  log(server)\n  count(server)\n')}` }
    const body = NEW_START + end
    assert.deepEqual(await outcomeOf(files, `### write src/server.ts\n${fence(body)}\n`), { 'src/server.ts': body })
  })

test('a comment sign in a name, and a heading, are no remark', async () => {
  const before = {
    'src/a.ts': 'class Old {\n  other(): void {}\n  more(): void {}\n}\n',
    'a.md': '# Old\n\nOne.\nTwo.\n',
  }
  for (const [path, body] of [
    ['src/a.ts', 'class Kept {\n  #same(other: Kept): boolean {}\n}\n'],
    ['a.md', '# The implementation\n\nNone.\n'],
  ] as const)
    assert.deepEqual(await outcomeOf(before, `### write ${path}\n${fence(body)}\n`), { [path]: body })
})

const COMMENTS = [
  '// The remaining connections are closed by the caller',
  '// Same as before: the port has a default',
  '// An existing server is used again',
  '// Rest parameters stay unchanged',
]

for (const comment of COMMENTS)
  test(`a comment with such words may be added where no line goes for it: ${comment}`, async () => {
    const body = `${NEW_START.replace('export', `${comment}\nexport`)}${STOP}`
    for (const title of ['### write src/server.ts', 'Here is the complete file src/server.ts:'])
      assert.deepEqual(await outcomeOf(FILES, `${title}\n${fence(body)}`), { 'src/server.ts': body })
    const edit = pair('export function start(port) {\n', `${comment}\nexport function start(port) {\n`)
    assert.deepEqual(await outcomeOf(FILES, `### edit src/server.ts\n${edit}`), {
      'src/server.ts': `${START.replace('export', `${comment}\nexport`)}${STOP}`,
    })
  })

test('rules, and code that has such words in its names, may be put in where lines go', async () => {
  for (const line of [
    '// =====',
    '// ----- start -----',
    'start.unchanged()',
    'export { unchanged } from port',
    'unchanged(port)',
  ]) {
    const body = `${NEW_START}\n${line}\n`
    assert.deepEqual(
      await outcomeOf(FILES, `### write src/server.ts\n${fence(body)}\n`),
      { 'src/server.ts': body },
      line,
    )
  }
})

test('a comment about what is left may stand in place of code that goes in a pair', async () => {
  const edit = pair('  server.close()\n', '  // The remaining sockets close themselves\n')
  const after = FILES['src/server.ts']?.replace('  server.close()', '  // The remaining sockets close themselves')
  assert.deepEqual(await outcomeOf(FILES, `### edit src/server.ts\n${edit}`), { 'src/server.ts': after })
})

const changed = TESTS[1]?.replace('add(1, 2), 3', 'add(2, 2), 4') ?? ''
const fresh = "\ntest('multiplies two numbers', () => {\n  assert.equal(multiply(3, 2), 6)\n})\n"
const EXCERPTS: Record<string, [words: string, body: string]> = {
  'a changed test and a new one, below words': [
    'In test/math.test.js, change the first test:',
    `${TESTS[0]}${changed}${fresh}`,
  ],
  'a changed test and a new one, below the name': ['**test/math.test.js**', `${TESTS[0]}${changed}${fresh}`],
  'one test in the place of another': ['**test/math.test.js**', `${TESTS[0]}${TESTS[1]}${fresh}`],
  'a case of a test': ['The new case in test/math.test.js:', `${TESTS[0]}${changed}${fresh}`],
  'one function in the place of another': [
    '**src/math.js**',
    'export const add = (a, b) => b + a\nexport const multiply = (a, b) => a * b\nexport const one = 1\nexport const two = 2\n',
  ],
  'a function of all code': ['Here is the complete updated code for start() in src/server.ts:', NEW_START],
  'a handler of all code': ['Here is the full code of the handler in src/server.ts:', NEW_START],
  'a test of all code': ['The full test in test/math.test.js:', `${TESTS[0]}${TESTS[1]}`],
  'an excerpt by name': ['src/server.ts (excerpt):', NEW_START],
  'what is relevant': ['The complete relevant portion of the file src/server.ts:', NEW_START],
  'the top of a file': ['The complete top half of the file src/server.ts:', NEW_START],
}

for (const [name, [words, body]] of Object.entries(EXCERPTS))
  test(`an excerpt is taken for no file: ${name}`, async () => {
    await refusalOf(FILES, `${words}\n\n${fence(body)}\n`)
  })

const BEHIND = [
  'The rest of the file stays as it is.',
  'Everything else is unchanged.',
  'Leave the remaining functions as they are.',
  'Keep the rest of the file as is.',
  '(stop() is omitted for brevity.)',
  'Other functions are unchanged.',
]

for (const words of BEHIND)
  test(`a fence is no whole file where words behind it tell of the rest: ${words}`, async () => {
    for (const above of ['Here is the complete file src/server.ts:', '**src/server.ts** (full file)'])
      await refusalOf(FILES, `${above}\n\n${fence(NEW_START)}\n\n${words}\n`)
  })

test('words behind a file that has all its lines may tell of the rest', async () => {
  const body = NEW_START + STOP
  for (const words of BEHIND.slice(0, 4))
    assert.deepEqual(await outcomeOf(FILES, `The complete file src/server.ts:\n\n${fence(body)}\n\n${words}\n`), {
      'src/server.ts': body,
    })
})

const SAID = [
  'Here is the complete src/server.ts after the change:',
  'Here is the full code for `src/server.ts`:',
  'Full `src/server.ts`:',
  '`src/server.ts` (complete):',
  'Replace the contents of `src/server.ts` with:',
  'Final version of `src/server.ts`:',
  'src/server.ts (full file):',
  'Here is the complete updated file `src/server.ts`:',
  'The entire new src/server.ts:',
]

for (const words of SAID)
  test(`a file that is said to be whole may lose lines: ${words}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${words}\n\n${fence(NEW_START)}\n`), { 'src/server.ts': NEW_START })
  })

const LIKELY: Record<string, [path: string, from: string, to: string]> = {
  'a function has another name': ['src/server.ts', 'stop(server)', 'halt(server)'],
  'a value has another name': ['src/math.js', 'const two', 'const deux'],
  'a title of a test differs': ['test/math.test.js', "'subtracts two numbers'", "'takes two away'"],
  'a parameter is added': ['src/server.ts', 'stop(server)', 'stop(server, force)'],
}

for (const [name, [path, from, to]] of Object.entries(LIKELY))
  test(`a fence under a name is the file where each line has one in its place: ${name}`, async () => {
    const body = FILES[path]?.replace(from, to) ?? ''
    assert.deepEqual(await outcomeOf(FILES, `**${path}**\n${fence(body)}\n`), { [path]: body })
  })

for (const part of ['rest ', 'the other ', '// ', '{ ... ', '(same', 'keep x '])
  test(`words in place of lines are looked for in linear time: ${part}`, async () => {
    await assertLinear(
      (size) => `// ${repeated(part)(size)}`,
      (text) => {
        standsForLines(text, 'loosely')
        standsForLines(text, 'surely')
      },
      200_000,
    )
  })
