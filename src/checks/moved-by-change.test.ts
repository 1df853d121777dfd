import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { movedByChange } from './moved-by-change.ts'

const DIFF = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -2,3 +2,4 @@ heading
 two
-three
+three!
+more
 four
@@ -10 +11,0 @@
-ten
diff --git a/src/new.ts b/src/new.ts
--- /dev/null
+++ b/src/new.ts
@@ -0,0 +1 @@
+--- a/src/b.ts
`
const at = (line: number) => `tsc: src/a.ts:${line}: TS1: no`

test('an error is where its line has moved to', () => {
  assert.deepEqual(movedByChange([at(1), at(2), at(4), at(9), at(11), at(50)], DIFF), [
    at(1),
    at(2),
    at(5),
    at(10),
    at(11),
    at(50),
  ])
})

test('an error of a line that was rewritten or taken out is left out', () => {
  assert.deepEqual(movedByChange([at(3), at(10)], DIFF), [])
})

test('what names no line, and what is in another file, stays', () => {
  const names = ['jest: ./src/a.ts: cart › totals', 'tsc: src/b.ts:3: TS1: no', 'go: x TestX', 'node: a']
  assert.deepEqual(movedByChange(names, DIFF), names)
  assert.deepEqual(movedByChange([at(3)], ''), [at(3)])
})

test('lines put in before an error move it by as many', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 50 }), fc.nat(60), (many, after, line) => {
      const diff = `--- a/src/a.ts\n+++ b/src/a.ts\n@@ -${after},0 +${after + 1},${many} @@\n${'+x\n'.repeat(many)}`
      assert.deepEqual(movedByChange([at(line)], diff), [at(line <= after ? line : line + many)])
    }),
  )
})
