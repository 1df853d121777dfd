/**
 * The edit format as it is explained to a model. Its examples follow the format themselves: `parseEdits` reads the
 * guide as one block of each kind.
 */
export const EDIT_FORMAT_GUIDE = `Answer with blocks in exactly this format. Each block starts with a header line "### verb path" at the start of a line.
Paths are relative to the root of the repository, without quotes. Outside of blocks write short prose only: no other
headings that start with "###" and no code fences. Begin with one or two plain sentences that say what you changed and why.

To change parts of an existing file, with one or more SEARCH/REPLACE pairs:

### edit src/greeting.ts
<<<<<<< SEARCH
export function greet(name: string) {
  return 'Hello ' + name
=======
export function greet(name: string): string {
  return \`Hello, \${name}!\`
>>>>>>> REPLACE

To create a file, or to replace a whole file (an empty body makes an empty file):

### write docs/greeting.md
\`\`\`\`
# Greeting

Says hello.
\`\`\`\`

To delete a file, and to rename or move one:

### delete src/old-greeting.ts

### rename test/greet.ts -> test/greeting.test.ts

Rules:
- SEARCH is whole, consecutive lines copied exactly from the file, with their indentation and blank lines, without line numbers.
- SEARCH must occur exactly once in the file. Take the fewest lines that make it unique.
- REPLACE is what stands there instead; leave it empty to delete the lines.
- Pairs and blocks are applied in order, each on top of the ones before. After a rename, edit the new path.
- The fence of a write block closes at the first line that is exactly the same fence: where the file itself contains fences, use a longer one.
- Where the text to edit itself contains marker lines, use longer markers: 8 or more of <, = and >, all three alike.
- Touch only the files you were given as being in scope.
- One block that does not apply rejects the whole answer. Never abbreviate with "..." or "rest unchanged".
`

/** What stands in the brackets behind a path, told only where it may be needed. */
export const TRAITS_GUIDE =
  'A header may say in brackets what else the file is, such as "### write bin/run (executable)": executable, not executable, ' +
  'final newline, or no final newline. An edit block that does needs no pairs. What is not said stays; a new file is not ' +
  'executable and ends in a newline.'

/** The same for a model that is offered tools (`edit-tools.ts`), whose descriptions hold the rest. */
export const EDIT_TOOLS_GUIDE = `Answer with one or two plain sentences that say what you changed and why, and with calls of the tools edit, write, delete and
rename that make the whole change. Make all calls in this one answer: they are carried out together when it has ended, and no
call gives a result. Calls are applied in order, each on top of the ones before.

- Touch only the files you were given as being in scope.
- One call that does not apply rejects the whole answer. Never abbreviate with "..." or "rest unchanged".
- Calls you have made are shown to you as text in blocks that start with "###". Answer with calls all the same.
`

/** The same for a model that is asked for a unified diff; `parseEdits` reads its example. */
export const EDIT_DIFF_GUIDE = `Answer with one or two plain sentences that say what you changed and why, and then with one unified diff of the whole change, as
\`git diff\` writes it, in a code fence:

\`\`\`\`diff
--- a/src/greeting.ts
+++ b/src/greeting.ts
@@ -1,3 +1,3 @@
-export function greet(name: string) {
-  return 'Hello ' + name
+export function greet(name: string): string {
+  return \`Hello, \${name}!\`
 }
--- /dev/null
+++ b/docs/greeting.md
@@ -0,0 +1,3 @@
+# Greeting
+
+Says hello.
--- a/src/old-greeting.ts
+++ /dev/null
diff --git a/test/greet.ts b/test/greeting.test.ts
rename from test/greet.ts
rename to test/greeting.test.ts
\`\`\`\`

Rules:
- Lines that stay and lines that go ("-") are copied exactly from the file, with their indentation, without line numbers.
- Each hunk shows at least one line of the file, and enough of them that they stand at one place only. A blank line that stays is a
  line with one space.
- Where the change itself contains fences, use a longer one around the diff.
- Touch only the files you were given as being in scope.
- One hunk that does not apply rejects the whole answer. Never abbreviate with "..." or "rest unchanged".
`
