import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { checkOrder } from './check-order.ts'
import { readOrderFile } from './order-file.ts'

const read = (text: string) => readOrderFile('order.yaml', text, checkOrder)
const titles = (text: string) => read(text).orders.map(({ title }) => title)

test('one order, with the defaults of the contract', () => {
  assert.deepEqual(read('title: Greet\nfiles_in_scope: [src/a.js]\n'), {
    orders: [
      {
        title: 'Greet',
        description: '',
        acceptance_criteria: [],
        files_in_scope: ['src/a.js'],
        risk_level: 'medium',
        approved: false,
      },
    ],
    problems: [],
    warnings: [],
    projects: [],
  })
})

test('lists, documents, JSON and the body of the API are orders too', () => {
  assert.deepEqual(titles('- title: a\n- title: b\n'), ['a', 'b'])
  assert.deepEqual(titles('---\ntitle: a\n---\n- title: b\n- title: c\n---\n'), ['a', 'b', 'c'])
  assert.deepEqual(titles('[{ "title": "a" }]'), ['a'])
  assert.deepEqual(titles('{ "work_orders": [{ "title": "a" }, { "title": "b" }] }'), ['a', 'b'])
  assert.deepEqual(titles('\ufefftitle: with a byte order mark\r\n'), ['with a byte order mark'])
})

const FIELDS =
  'title, description, acceptance_criteria, files_in_scope, context, risk_level, depends_on, project, budget_usd, approved'

test('every problem is named with its line, field and reason, all at once', () => {
  const text = `title: Greet
files_in_scop:
  - x
---
- title: ""
  files_in_scope:
    - src/a.js
    - ../x
  risk_level: huge
- description: 5
  approved: "yes"
`
  assert.deepEqual(read(text).problems, [
    `order.yaml:2: files_in_scop is not a known field; there are: ${FIELDS}`,
    'order.yaml:5: title is empty',
    'order.yaml:8: files_in_scope[1] "../x" leaves the repository (..)',
    'order.yaml:9: risk_level must be one of low, medium, high',
    'order.yaml:10: title is missing',
    'order.yaml:10: description must be text, not the number 5 (put it in quotes)',
    'order.yaml:11: approved must be true or false, not text',
  ])
})

test('a value on the lines below its field is still found at the field or the value', () => {
  const text = 'title: ok\nacceptance_criteria:\n\n  - fine\n  - "two\\nlines"\ndescription:\n  key: value\n'
  assert.deepEqual(read(text).problems, [
    'order.yaml:6: description must be text, not a group of fields',
    'order.yaml:5: acceptance_criteria[1] must be a single line without control characters',
  ])
})

test('a list given as text, a field given as nothing and an order that is none are told apart', () => {
  assert.deepEqual(read('title: a\nfiles_in_scope: src/a.js\n').problems, [
    'order.yaml:2: files_in_scope must be a list, not text',
  ])
  assert.deepEqual(read('title:\n').problems, ['order.yaml:1: title must be text, not nothing'])
  assert.deepEqual(read('- just text\n').problems, [
    'order.yaml:1: this must be a work order with fields such as title:, not text',
  ])
})

test('malformed YAML is named with its line and nothing of the file is taken', () => {
  const { orders, problems } = read('title: a\n---\ntitle: "b\n')
  assert.deepEqual(orders, [])
  assert.match(String(problems[0]), /^order\.yaml:[34]: Missing closing "quote/)
  assert.match(String(read('title: a\ntitle: b\n').problems[0]), /^order\.yaml:2: title is there twice$/)
  assert.match(String(read('{ "title": "a", }}').problems[0]), /^order\.yaml:1: /)
})

test('each broken line is named once, in plain words', () => {
  const indented = (line: number) => [
    `order.yaml:${line}: bad indentation: what belongs to one list or one group begins in the same column`,
  ]
  assert.deepEqual(read('title: a\nfiles_in_scope:\n  - a\n - b\nrisk_level: low\n').problems, indented(4))
  assert.deepEqual(read('title: a\n  description: b\n').problems, indented(2))
  assert.deepEqual(read('work_orders:\n  - title: a\n    files_in_scope:\n    - a\n   - b\n').problems, indented(5))
  assert.deepEqual(read('- title: a\n description: b\n').problems, indented(2))
  assert.match(read('title: a\nrisk_level low\n').problems.join(), /^order\.yaml:2: this is neither "field: value"/)
  assert.match(
    read('title: it is: good\n').problems.join(),
    /^order\.yaml:1: a value with ": " in it must stand in quotes$/,
  )
  assert.deepEqual(read('title: !foo a\n"risk_level": low\n"risk_level": low').problems, [
    'order.yaml:3: "risk_level" is there twice',
    'order.yaml:1: the tag !foo is not known; put text that begins with ! in quotes',
  ])
})

test('a wildcard in the scope is pointed out, and where a project is named is known', () => {
  const { orders, warnings, projects } = read(
    '- title: a\n  files_in_scope:\n    - src/*.ts\n    - b\n  project: shop\n',
  )
  assert.equal(orders.length, 1)
  assert.deepEqual(warnings, [
    'order.yaml:3: files_in_scope[0] "src/*.ts" is taken literally, as one file of that name; name the files, or a folder with a / at its end',
  ])
  assert.deepEqual(projects, [{ name: 'shop', at: 'order.yaml:5:' }])
})

test('text that a comment of YAML cuts short is pointed out where it looks like an issue, or a word, of the text', () => {
  const { orders, warnings } = read(
    `title: Greet, fixes #12 and more
description: as asked  #p-3 \x1b[31m
acceptance_criteria:
  - it closes #\u00fcber
  - "said #4" #5
  - fine # a note
  - last

files_in_scope: [src/a.js] #6
risk_level: low #7
`,
  )
  assert.equal(orders[0]?.title, 'Greet, fixes')
  const why = 'in YAML # after a space begins a comment; put the whole text in quotes'
  assert.deepEqual(warnings, [
    `order.yaml:1: title ends before #12: ${why}`,
    `order.yaml:2: description ends before #p-3: ${why}`,
    `order.yaml:4: acceptance_criteria[0] ends before #\u00fcber: ${why}`,
  ])
  assert.deepEqual(read('title: "fixes #12"\n').warnings, [])
  assert.deepEqual(readOrderFile('a.csv', 'title,description\nfixes #12,b #3\n', checkOrder).warnings, [])
})

test('an empty file is a problem, not zero orders', () => {
  for (const text of ['', '---\n', '# nothing\n', '[]']) {
    assert.deepEqual(read(text).problems, ['order.yaml:1: there is no work order'], text)
    assert.deepEqual(read(text).orders, [])
  }
})

test('aliases that multiply are refused', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [${'*b,'.repeat(50)}*b]\n`
  assert.match(String(read(bomb).problems[0]), /alias/i)
})

test('a key that names the prototype is an unknown field', () => {
  assert.match(String(read('title: a\n__proto__: { approved: true }\n').problems[0]), /__proto__ is not a known field/)
})

test('what is written as YAML or JSON is read back, whatever the text', () => {
  const title = fc
    .string({ unit: 'grapheme' })
    .filter((text) => /^[^\p{C}\p{Z}]/u.test(text) && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text))
  fc.assert(
    fc.property(
      fc.array(title, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(stringify, JSON.stringify),
      (list, write) => {
        assert.deepEqual(
          titles(write(list.map((each) => ({ title: each })))),
          list.map((each) => each.trim()),
        )
      },
    ),
  )
})

test('of an order with many problems the first 20 are told, and how many more there are', () => {
  const { problems } = read(`title: a\n${Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join('\n')}\n`)
  assert.equal(problems.length, 21)
  assert.equal(problems[19], 'order.yaml:21: k19 is not a known field')
  assert.equal(problems[20], 'order.yaml:1: this order has 980 more problems')
})

test('any text gives orders or problems and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { orders, problems } = read(text)
      assert.ok(orders.length + problems.length > 0)
    }),
  )
})

test('what is nested too deeply is told in plain words, and an unknown field names those there are', () => {
  for (const text of [`title: ${'['.repeat(20_000)}`, `${'- '.repeat(20_000)}x`])
    assert.deepEqual(read(text).problems, ['order.yaml:1: this is nested too deeply to be read'])
  assert.match(String(read('titel: a').problems[1]), /^order\.yaml:1: titel is not a known field; there are: title, /)
})

test('JSON lines: an order a line, and every line that is none by its number', () => {
  const lines = [
    '{"title":"a"}',
    '',
    '{"title":"b","files_in_scope":["../x"]}',
    '{"title":',
    '{"title":"c","title":"d"}',
  ]
  const file = readOrderFile('orders.jsonl', lines.join('\n'), checkOrder)
  assert.deepEqual(
    file.orders.map(({ title }) => title),
    ['a'],
  )
  assert.deepEqual(file.problems, [
    'orders.jsonl:4: this line is no JSON; every line has to hold one order as JSON',
    'orders.jsonl:5: "title" is there twice',
    'orders.jsonl:3: files_in_scope[0] "../x" leaves the repository (..)',
  ])
  assert.deepEqual(titles('{"title":"told by its look"}\n{"title":"b"}\n'), ['told by its look', 'b'])
})

const csv = (text: string) => readOrderFile('orders.csv', text, checkOrder)

test('CSV: a column for each entry of a list or a line of its cell, and text of several lines', () => {
  const { orders, problems } = csv(
    [
      '\ufeffTitle,acceptance_criteria,acceptance_criteria,files_in_scope,budget_usd,approved,description',
      'Greet,"It greets, politely",It ends,"src/a.js\nsrc/b.js",2.50,TRUE,"Say\nhello"',
      ',,,,,,',
      'Wave,,,src/c.js,,,',
    ].join('\r\n'),
  )
  assert.deepEqual(problems, [])
  const plain = { risk_level: 'medium' }
  assert.deepEqual(orders, [
    {
      title: 'Greet',
      acceptance_criteria: ['It greets, politely', 'It ends'],
      files_in_scope: ['src/a.js', 'src/b.js'],
      budget_usd: '2.50',
      approved: true,
      description: 'Say\nhello',
      ...plain,
    },
    {
      title: 'Wave',
      acceptance_criteria: [],
      files_in_scope: ['src/c.js'],
      approved: false,
      description: '',
      ...plain,
    },
  ])
  assert.deepEqual(titles('title,files_in_scope\nTold by its look,a.js\n'), ['Told by its look'])
})

test('CSV: every problem is named with the line its row begins in', () => {
  assert.deepEqual(csv('title,description,risk_level,approved\n"a","x\ny",low,\nb,,huge,yes\n,no title,,\n').problems, [
    'orders.csv:4: risk_level must be one of low, medium, high',
    'orders.csv:4: approved must be true or false, not text',
    'orders.csv:5: title is missing',
  ])
  assert.deepEqual(csv('title,assignee,title\na,b,c\n').problems, [
    `orders.csv:1: the column "assignee" is not a known field; there are: ${FIELDS}`,
  ])
  assert.deepEqual(csv('title,title\na,b\n').problems, ['orders.csv:1: the column title is there twice'])
  assert.match(String(csv('title\na,b\n').problems), /orders\.csv:2: has 2 cells, and the first line names 1/)
  assert.deepEqual(csv('title\n"a\n').problems, ['orders.csv:2: a quote stands where none may, or is not closed'])
  assert.deepEqual(csv('title,description\n').problems, ['orders.csv:1: there is no work order'])
})

test('a text of any format is read or refused, never a crash', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('a.csv', 'a.jsonl', 'a.yaml', 'stdin'), (text, name) => {
      const { orders, problems } = readOrderFile(name, text, checkOrder)
      assert.ok(orders.length + problems.length > 0)
    }),
  )
})
