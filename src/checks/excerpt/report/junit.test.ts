import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedaction } from '../../../redaction/redaction.ts'
import { FailureExcerpt } from '../failure-excerpt.ts'
import { key, type ReportedFailures } from '../failure-format.ts'
import { junitFailures } from './junit.ts'

const textsOf = ({ blocks }: ReportedFailures) => blocks.map((block) => block.map(({ text }) => text).join('\n'))

test('failures and errors are told with their test, their message and their text without frames of packages', () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="cart" tests="4">
    <testcase classname="x.CartTest" name="adds" time="0.1"><system-out>Error: noise</system-out></testcase>
    <testcase classname="x.CartTest" name="totals" file="src/Cart.java" line="7">
      <failure message="expected: &lt;42&gt; but was: &lt;41&gt;" type="AssertionFailedError"><![CDATA[AssertionFailedError: expected: <42> but was: <41>
\tat org.junit.jupiter.api.Assertions.fail(Assertions.java:1)
\tat x.CartTest.totals(CartTest.java:7)]]></failure>
    </testcase>
    <testcase name="skipped"><skipped/></testcase>
    <testcase name="breaks"><error type="IOException">no file</error></testcase>
  </testsuite>
</testsuites>`
  const found = junitFailures(xml)
  assert.equal(found.problem, null)
  assert.deepEqual(textsOf(found), [
    'x.CartTest › totals (src/Cart.java:7)\nAssertionFailedError: expected: <42> but was: <41>\n\tat x.CartTest.totals(CartTest.java:7)',
    'breaks\nIOException\nno file',
  ])
})

test('entities that the file declares are not put in, nor is anything fetched', () => {
  const laughs = Array.from({ length: 20 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('')
  const doctype = `<!DOCTYPE t [<!ENTITY l0 "ha"><!ENTITY file SYSTEM "file:///etc/passwd">${laughs}]>`
  for (const entity of ['l20', 'file']) {
    const found = junitFailures(
      `${doctype}<testsuite><testcase name="a"><failure>&${entity};</failure></testcase></testsuite>`,
    )
    assert.match(String(found.problem), /undefined entity/)
    assert.doesNotMatch(textsOf(found).join(), /haha|root:/)
  }
})

test('of a file that breaks off what stands before counts, and that it does is told', () => {
  const found = junitFailures(
    '<testsuite><testcase name="a"><failure>boom</failure></testcase><testcase name="b"><fail',
  )
  assert.deepEqual(textsOf(found), ['a\nboom'])
  assert.notEqual(found.problem, null)
  assert.notEqual(junitFailures('').problem, null)
  assert.notEqual(junitFailures('\0\u001b[31m').problem, null)
})

test('a report is bounded in failures and in what is kept of each', () => {
  const failure = `<testcase name="a"><failure>${'x\n'.repeat(20_000)}</failure></testcase>`
  const { blocks } = junitFailures(`<testsuite>${failure.repeat(300)}</testsuite>`)
  assert.equal(blocks.length, 200)
  assert.ok(Number(blocks[0]?.length) <= 61)
})

test('a report that is not well-formed, or nested without end, is read no further', () => {
  const cpuMs = (xml: string): number => {
    const before = process.threadCpuUsage()
    assert.notEqual(junitFailures(xml).problem, null)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  }
  const most = 8 * 1024 * 1024
  for (const part of ['<a>', '<testsuite><failure>']) assert.ok(cpuMs(part.repeat(most / part.length)) < 1_500, part)
  assert.ok(cpuMs(`<testsuite ${'a="1" '.repeat(most / 6)}/>`) < 1_500, 'one attribute again and again')
  const nested = `${'<testsuite>'.repeat(90)}<testcase name="a"><failure>x</failure></testcase>${'</testsuite>'.repeat(90)}`
  assert.deepEqual(junitFailures(nested), {
    blocks: [[{ ...key('a'), called: ['junit: a', 'a'] }, key('x')]],
    names: ['junit: a'],
    problem: null,
  })
})

test('a secret is taken out of a report before anything of it is cut', () => {
  const value = 'sk-ant-canary+0123456789'
  const redacted = createRedaction([{ value, written: value }])
  const line = `${'x'.repeat(132)}\n`
  for (const before of Array.from({ length: 30 }, (_, at) => at)) {
    const name = `${'n'.repeat(270 + before)}${value}${'y'.repeat(100)}`
    const text = `${line.repeat(60).slice(0, 7_970 + before)}${value}\n${line.repeat(3)}`
    const { blocks } = junitFailures(
      `<t><testcase name="${name}"><failure message="m">${text}</failure></testcase></t>`,
    )
    const excerpt = new FailureExcerpt('/tree', redacted)
    const told = excerpt.read(20_000, { reported: blocks, added: [], old: 0 })
    assert.ok(!told.includes(value.slice(0, 6)), `${before}: ${told.slice(-200)}`)
  }
})

test('the names of all that failed are given, by no place, and none where the report counts more than it names', () => {
  const cases =
    '<testcase classname="money" name="old one" file="a.x" line="7"><failure/></testcase><testcase name="b"><error/></testcase>'
  const names = ['junit: money › old one', 'junit: b']
  assert.deepEqual(junitFailures(`<testsuite failures="1" errors="1">${cases}</testsuite>`).names, names)
  assert.deepEqual(
    junitFailures(`<testsuites failures="2"><testsuite failures="2">${cases}</testsuite></testsuites>`).names,
    names,
  )
  assert.equal(junitFailures(`<testsuite failures="2" errors="1">${cases}</testsuite>`).names, null)
  assert.equal(junitFailures(`<testsuite>${cases}`).names, null)
})
