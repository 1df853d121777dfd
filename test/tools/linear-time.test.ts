/**
 * Every function that is given text of a model, a repository, a check, a hook, a provider or a work order, on the text
 * that should take it longest. Patterns are also looked at one by one, by `patterns.test.ts`.
 */
import { test } from 'node:test'
import { failureSummary } from '../../src/attempt/failure-summary.ts'
import { FailureExcerpt } from '../../src/checks/excerpt/failure-excerpt.ts'
import { junitFailures } from '../../src/checks/excerpt/report/junit.ts'
import { sarifFailures } from '../../src/checks/excerpt/report/sarif.ts'
import { FailingTests } from '../../src/checks/failing-tests.ts'
import { parseMooseYaml } from '../../src/checks/moose-yaml.ts'
import { OutputTail } from '../../src/checks/output-tail.ts'
import { hintOf as hintOfCheck, whyNotRunnable } from '../../src/checks/set-up-fault.ts'
import { usefulLine } from '../../src/contract/evidence/useful-line.ts'
import { hintOf } from '../../src/contract/github-webhook.ts'
import { checkOrder } from '../../src/contract/order-file/check-order.ts'
import { readOrderFile } from '../../src/contract/order-file/order-file.ts'
import { detect } from '../../src/detect/detect.ts'
import { proposalOf } from '../../src/detect/proposal.ts'
import { applyEdits } from '../../src/edits/apply-edits.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { readTextFile } from '../../src/edits/text-file.ts'
import { refuseForeignPath } from '../../src/executors/aider/foreign-path.ts'
import { Transcript } from '../../src/executors/aider/transcript.ts'
import { type AiderEvidence, judgeRun } from '../../src/executors/aider/verdict.ts'
import { findPull } from '../../src/forge/github/pulls.ts'
import { whatGitSaid } from '../../src/git/git.ts'
import { parseRepositoryUrl, withoutCredentials } from '../../src/git/repository-url.ts'
import { findHardStops } from '../../src/manager/hard-stops.ts'
import { ChatRequest, problemsOf } from '../../src/models/chat-completions.ts'
import { PROTOCOLS } from '../../src/models/dialects/protocols.ts'
import { readAnswer } from '../../src/models/dialects/read-answer.ts'
import { readTrouble } from '../../src/models/dialects/read-trouble.ts'
import { toModelFault } from '../../src/models/model-faults.ts'
import { requestKey } from '../../src/models/remembered-answers.ts'
import { BoundedOutput } from '../../src/process/bounded-output.ts'
import { plainText } from '../../src/redaction/plain-text.ts'
import { createRedaction } from '../../src/redaction/redaction.ts'
import { createSanitizer } from '../../src/redaction/sanitize-output.ts'
import { kindOfChange } from '../../src/work-order/kind-of-change.ts'
import { clipped, fenced, neutralised } from '../../src/work-order/markdown.ts'
import { slugOf } from '../../src/work-order/naming.ts'
import { PLAIN_COMMITS } from '../../src/work-order/project.ts'
import { provedCriteria } from '../../src/work-order/proves.ts'
import { isGitFolder, pathProblem } from '../../src/work-order/scope.ts'
import { assertLinear, orFault, repeated } from '../support/growth.ts'

/** Characters of the longest input: more than any of these functions is given, unless it says otherwise. */
const MOST = 1_000_000

test('escape sequences', async (t) => {
  for (const part of ['\u001b]', '\u001b[', '\u001b]8;;x', '\u001b[1;', '\u009b', '\u001b]\u0007'])
    await t.test(JSON.stringify(part), () => assertLinear(repeated(part), plainText, MOST))
})

test('the output of a check, one character at a time', () =>
  assertLinear(
    repeated('a'),
    (text) => {
      const tail = new OutputTail()
      for (const character of text) tail.add(character)
      tail.read(16_384)
    },
    MOST,
  ))

test('the names of failures in the output of a check', async (t) => {
  const lines = [
    'FAILED a.py::b[ - ] - ',
    '--- FAIL: a (0s)\n',
    '  ● a › ',
    '    # Subtest: a\n',
    'a.ts(1,2): error TS1: ',
    '[ERROR] a.b Time elapsed: ',
    '✖ a (1ms)\n',
    'error[E1]: a\n --> a:1:2\n',
    'make: *** [a:1: ',
    '[warn] a\n',
  ]
  for (const part of lines)
    await t.test(JSON.stringify(part), () =>
      assertLinear(
        repeated(part),
        (output) => {
          const failing = new FailingTests('/tree')
          failing.add(output)
          return failing.read()
        },
        MOST,
      ),
    )
})

test('the useful part of the output of a check', async (t) => {
  const parts = [
    '--- FAIL: a (0s)\n    a.go:1: x\n',
    '=== RUN a\n    a.go:1: x\n',
    '# Subtest: a\n    not ok 1 - a\n      error: x\n',
    'FAIL a\n  ● a\n    Expected: ',
    ' FAIL  a > b\n ❯ a:1:1\n',
    "thread 'a' panicked at a:1:1:\n",
    'error[E1]: a\n --> a:1:2\n',
    '=== FAILURES ===\n___ a ___\nE   assert a\n',
    'Traceback (most recent call last):\n  File "a"\nE: a\n',
    '[ERROR] a -- Time elapsed: 1 s <<< FAILURE!\n\tat a\n',
    'a.js\n  1:1  error  a\n',
    'Error: a\n    at a (b:1:1)\n',
    'a.js:1\n',
    '\r',
    'x',
    'y\n',
  ]
  for (const part of parts)
    await t.test(JSON.stringify(part), () =>
      assertLinear(
        repeated(part),
        (output) => {
          const excerpt = new FailureExcerpt('/tree', (text) => text)
          excerpt.add(output)
          return usefulLine(excerpt.read(4_000))
        },
        MOST,
      ),
    )
})

test('reports of a check', async (t) => {
  const reports: Record<string, (size: number) => string> = {
    'open elements': repeated('<testcase name="a">'),
    failures: (size) => `<t>${repeated('<testcase name="a"><failure>x</failure></testcase>')(size)}`,
    text: (size) => `<t><failure>${repeated('x\n')(size)}`,
    attributes: (size) => `<t${counted((index) => ` a${index}="1"`)(size)}>`,
    entities: (size) => `<t>${repeated('&lt;')(size)}`,
    'a declaration': (size) => `<!DOCTYPE t [${repeated('<!ENTITY a "b">')(size)}`,
    comments: (size) => `<t>${repeated('<!-- - -->')(size)}`,
  }
  for (const [name, make] of Object.entries(reports)) await t.test(name, () => assertLinear(make, junitFailures, MOST))
  const sarif = (size: number) => JSON.stringify({ runs: [{ results: many({ message: { text: 'a' } })(size) }] })
  await t.test('SARIF', () => assertLinear(sarif, sarifFailures, MOST))
})

test('credentials in URLs', async (t) => {
  for (const part of ['a', 'a://', 'a://b', '://', '@', 'a://@'])
    await t.test(part, () => assertLinear(repeated(part), withoutCredentials, MOST))
})

test('what git has said', () =>
  assertLinear(
    repeated('a'),
    (text) => {
      const stderr = new BoundedOutput(MOST, 'ends')
      stderr.write(Buffer.from(text))
      whatGitSaid({ exitCode: 1, endedBy: null, stdout: new BoundedOutput(0, 'ends'), stderr, durationMs: 0 })
    },
    MOST,
  ))

test('the address of a repository', () =>
  assertLinear(repeated('x://'), (text) => orFault(() => parseRepositoryUrl(text)), MOST))

const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}=======\n${replace}>>>>>>> REPLACE\n`
const numbered = (count: number, text: string) => Array.from({ length: count }, (_, index) => `${index} ${text}\n`)

test('answers that no edits are', async (t) => {
  const answers: Record<string, (size: number) => string> = {
    'a rename that never ends': (size) => `# w ${'a -> '.repeat(size / 5)}\u2028x`,
    'spaces behind a rename': (size) => `# w a -> ${' '.repeat(size)}\u2028x`,
    'a long word': (size) => `# ${'w'.repeat(size)}`,
    'a long fence': (size) => `### write f\n${'~'.repeat(size)}\``,
    'many bodies': repeated('### write f\n````\nx\n````\n'),
    'many markers': repeated('### edit f\n<<<<<<< SEARCH\n'),
  }
  for (const [name, make] of Object.entries(answers))
    await t.test(name, () => assertLinear(make, (text) => orFault(() => parseEdits(text)), MOST))
})

/** The file `f`, and an answer about it. */
type Work = { file: string; answer: string }

test('edits of a file', async (t) => {
  const works: Record<string, (size: number) => Work> = {
    'a pair for every line': (size) => {
      const lines = numbered(Math.ceil(size / 160), 'x'.repeat(155)).slice(0, 2_000)
      return { file: lines.join(''), answer: `### edit f\n${lines.map((line) => pair(line, `${line}y\n`)).join('')}` }
    },
    'a block for every line': (size) => {
      const lines = numbered(Math.ceil(size / 160), 'x'.repeat(155))
      const blocks = lines.slice(0, 500).map((line) => `### edit f\n${pair(line, `${line}y\n`)}`)
      return { file: lines.join(''), answer: blocks.join('') }
    },
    'many pairs in lines all alike': (size) => ({
      file: 'a\n'.repeat(size / 2),
      answer: `### edit f\n${pair('a\na\n', 'b\n').repeat(2_000)}`,
    }),
    'pairs that are not found': (size) => {
      const blocks = Array.from({ length: 20 }, () => `### edit f\n${pair('0 some of this text\n', '')}`)
      return { file: numbered(Math.ceil(size / 30), 'more of some text').join(''), answer: blocks.join('') }
    },
    'a long search': (size) => ({
      file: 'a\n'.repeat(100),
      answer: `### edit f\n${pair(`${'a\n'.repeat(size / 2)}b\n`, '')}`,
    }),
    'new files in deep folders': (size) => {
      const deep = 'a/'.repeat(200)
      const count = Math.min(500, size / 400)
      const blocks = Array.from({ length: count }, (_, index) => `### write d/${index}/${deep}x\n\`\`\`\`\n\`\`\`\`\n`)
      return { file: '', answer: blocks.join('') }
    },
  }
  for (const [name, make] of Object.entries(works)) {
    const run = ({ file, answer }: Work) => {
      const read = async (path: string) => (path === 'f' ? Buffer.from(file) : null)
      return applyEdits(parseEdits(answer), { read, scope: ['f', 'd/'] }).catch((error: unknown) => error)
    }
    await t.test(name, () => assertLinear(make, run, MOST))
  }
})

test('the lines of a file', async (t) => {
  for (const part of ['a', '\r', '\n', '\r\n'])
    await t.test(JSON.stringify(part), () =>
      assertLinear(repeated(part), (text) => readTextFile(Buffer.from(text)), MOST),
    )
})

test('names of files in answers for Aider', async (t) => {
  for (const part of [' ', '`', '*:', '#', '../', '<source>'])
    await t.test(JSON.stringify(part), () =>
      assertLinear((size) => `x${repeated(part)(size)}x\n<<<<<<< SEARCH\n`, refuseForeignPath, MOST),
    )
})

const ran = (output: string): AiderEvidence => ({
  exitCode: 0,
  timedOutAfterMs: null,
  output,
  complete: true,
  calls: [{ fault: null, costUsd: null }],
  changed: ['f'],
  trespassed: [],
})

test('what Aider prints', async (t) => {
  const parts = [
    ' sent, ',
    ' sent,  received',
    'is outside ',
    'Tokens: 1 sent, 2 received.\n',
    'Applied edit to \n',
    '\n',
  ]
  for (const part of parts) {
    const printed = (size: number) => `Tokens: ${repeated(part)(size)}`
    await t.test(part, () => assertLinear(printed, (output) => judgeRun(ran(output), ['f']), MOST))
    await t.test(`${part} as it comes`, () =>
      assertLinear(
        printed,
        (output) => {
          const kept = new Transcript()
          for (let at = 0; at < output.length; at += 100) kept.write(output.slice(at, at + 100))
          kept.text()
        },
        MOST,
      ),
    )
  }
})

test('the failure of an earlier try', async (t) => {
  for (const part of ['1.', 'duration= ', '1 ', 'duration: 1', ' m'])
    await t.test(part, () =>
      assertLinear(repeated(part), (message) => failureSummary({ code: 'check_failed', message }), MOST),
    )
})

test('text in pull requests', async (t) => {
  for (const part of ['fix ', 'fix-', ' ', '@', '<', '`a', '```\n', '~~~\n'])
    await t.test(JSON.stringify(part), () =>
      assertLinear(
        (size) => `fix ${repeated(part)(size)}`,
        (text) => [clipped(neutralised(text), MOST * 2), fenced(null, text)],
        MOST,
      ),
    )
})

/** A line for each number until the text is long enough. */
const counted = (line: (index: number) => string) => (size: number) => {
  const lines: string[] = []
  for (let length = 0; length < size; length += String(lines.at(-1)).length) lines.push(line(lines.length))
  return lines.join('')
}

test('YAML', async (t) => {
  const texts: Record<string, (size: number) => string> = {
    'unknown keys': counted((index) => `${index}: 1\n`),
    'unknown keys of a check': (size) => `checks:\n- name: a\n${counted((index) => `  ${index}: 1\n`)(size)}`,
    'keys of one line': (size) => `{${counted((index) => `${index},`)(size)}`,
    'keys that are there twice': repeated('k:\n'),
    'keys that are lists': counted((index) => `? [${index}]\n: 1\n`),
    'checks with one name': (size) => `checks:\n${repeated('- {name: a, run: b}\n')(size)}`,
    'checks that are none': (size) => `checks:\n${repeated('- a\n')(size)}`,
    'deep lists': repeated('['),
    'deep lists, a line each': repeated('- '),
    aliases: (size) => `- &a x\n${repeated('- *a\n')(size)}`,
    anchors: counted((index) => `- &a${index} x\n`),
    tags: counted((index) => `- !t${index} x\n`),
    'nothing but errors': repeated('a: b: c\n'),
    comments: repeated('#\n'),
  }
  for (const [name, make] of Object.entries(texts)) {
    await t.test(`${name}, of checks`, () => assertLinear(make, (text) => orFault(() => parseMooseYaml(text)), 64_000))
    await t.test(`${name}, of orders`, () =>
      assertLinear(make, (text) => readOrderFile('orders.yaml', text, checkOrder), MOST),
    )
  }
})

test('files of orders that are no YAML', async (t) => {
  const texts: Record<string, (size: number) => string> = {
    'orders.csv': (size) => `title,files_in_scope\n${repeated('a,"x\ny"\n')(size)}`,
    'names.csv': repeated('title,'),
    'quotes.csv': (size) => `title\n"${repeated('""')(size)}`,
    'lines.csv': (size) => `title,files_in_scope\na,"${repeated('x\n')(size)}"`,
    'empty.csv': repeated(',\n'),
    'orders.jsonl': repeated('{"title":"a"}\n'),
    'broken.jsonl': repeated('{\n'),
    stdin: repeated('\n'),
    'no ending': repeated('title,\r'),
  }
  for (const [name, make] of Object.entries(texts))
    await t.test(name, () => assertLinear(make, (text) => readOrderFile(name, text, checkOrder), MOST / 4))
})

test('files of a checkout', async (t) => {
  const script = (part: string) => (size: number) => ({
    'package.json': JSON.stringify({ scripts: { test: `ng vitest ${repeated(part)(size)}` } }),
    'package-lock.json': '',
  })
  const checkouts: Record<string, (size: number) => Record<string, string>> = {
    targets: (size) => ({ Makefile: counted((index) => `t${index}: b\n\tc\n`)(size) }),
    'a target again and again': (size) => ({ Makefile: repeated('test: b\n\tc\n')(size) }),
    'a line of targets': (size) => ({ Makefile: `test ${repeated(':= ')(size)}` }),
    'what a recipe names': (size) => ({
      '.gitignore': repeated('a\n/')(size),
      Makefile: `deps:\n\t${repeated('a/b ')(size)}`,
    }),
    'deep TOML': (size) => ({ 'pyproject.toml': `a = ${repeated('[')(size)}` }),
    'tables of TOML': (size) => ({ 'pyproject.toml': counted((index) => `[a${index}]\nb = 1\n`)(size) }),
    'a long key of TOML': (size) => ({ 'pyproject.toml': `${repeated('a.')(size)}b = 1` }),
    requirements: (size) => ({
      'requirements.txt': repeated(' pytest-')(size),
      'setup.cfg': repeated('\n[mypy')(size),
    }),
    'settings of linters': (size) => ({ 'setup.py': '', 'mypy.ini': `files${repeated(' ')(size)}` }),
    'a script': script(' --watc'),
    'white space in a script': script(' '),
    'members of a workspace': (size) => ({ 'package.json': '{}', 'pnpm-workspace.yaml': repeated(' - \t')(size) }),
    'names of files': (size) =>
      Object.fromEntries(Array.from({ length: size / 10 }, (_, index) => [`d${index}/package.json`, ''])),
  }
  for (const [name, make] of Object.entries(checkouts))
    await t.test(name, () =>
      assertLinear(
        make,
        async (files) =>
          proposalOf(
            await detect({ names: new Set(Object.keys(files)), read: (file) => Promise.resolve(files[file] ?? null) }),
          ),
        500_000,
      ),
    )
})

test('what is told from the end of a check, and what it proves', async (t) => {
  const shells = ['make[1]: *** ', ': 1: ', 'python: ', 'No module named ', 'sh: line 1: x: ', '. ; ', '“ ’ ']
  for (const part of shells) {
    await t.test(JSON.stringify(part), async () => {
      await assertLinear(
        repeated(part),
        (output_tail) => {
          const ending = { outcome: 'failed', exit_code: 1, output_tail } as const
          return [whyNotRunnable({ run: output_tail, timeoutMs: 1 }, ending), hintOfCheck(ending)]
        },
        MOST,
      )
      await assertLinear(repeated(part), (criterion) => provedCriteria([criterion], [criterion]), MOST)
    })
  }
})

const many = (part: unknown) => (size: number) =>
  Array.from({ length: Math.ceil(size / JSON.stringify(part).length) }, () => part)

test('bodies at the gateway', async (t) => {
  for (const [name, messages] of Object.entries({
    'no messages': many({}),
    'no parts': (size: number) => [{ role: 'user', content: many({})(size) }],
  })) {
    const make = (size: number) => ({ model: 'm', messages: messages(size) })
    const refuse = (body: unknown) => {
      const { error } = ChatRequest.safeParse(body)
      return error === undefined ? null : problemsOf(error)
    }
    await t.test(name, () => assertLinear(make, refuse, MOST))
  }
})

test('what a provider and its refusals say', async (t) => {
  const redacted = createRedaction([{ value: 'secret-of-a-provider', written: 'secret-of-a-provider' }])
  for (const part of [' ', '\0', 'x', 'secret', '.'])
    await t.test(JSON.stringify(part), () =>
      assertLinear(repeated(part), (said) => toModelFault(new Error(said), 'p', redacted, new Date(0)), MOST),
    )
})

test('what a provider refuses with', async (t) => {
  for (const part of ['{"error":', '<', '<a ', '"code":1,', 'try again in 1m', '9', 'model x ', 'a page'])
    await t.test(part, () =>
      assertLinear(
        repeated(part),
        (body) => readTrouble({ status: 400, headers: {}, body, request: body, offersTools: true }, new Date(0)),
        MOST,
      ),
    )
})

test('what a provider answers with', async (t) => {
  for (const part of [
    'data: {}\n\n',
    'data: {"choices":[{"delta":{"content":"x"}}]}\n\n',
    '\n',
    ': x\n\n',
    '{"a":',
    'data: x',
  ])
    await t.test(part, () =>
      assertLinear(
        repeated(part),
        (text) =>
          readAnswer(new Blob([text]).stream(), PROTOCOLS['openai-compatible'].reader).catch((error: unknown) => error),
        MOST,
      ),
    )
})

test('what an order has asked before', async (t) => {
  for (const part of ['- Platform\n- Shell: \n', '- Platform\n', '- Platform '])
    await t.test(part, () => {
      const proposer = { provider: 'openai', model: 'm', baseUrl: null } as const
      const ask = (content: string) =>
        requestKey({ proposer, messages: [{ role: 'user', content }], maxOutputTokens: 1 })
      return assertLinear(repeated(part), ask, MOST)
    })
})

test('answers of GitHub', async (t) => {
  const answers: Record<string, (size: number) => string> = {
    headers: (size) => `HTTP/2.0 200 OK\n${repeated('a: b\n')(size)}`,
    colons: (size) => `HTTP/2.0 200 OK\na${repeated(':')(size)}\n\n{}`,
    'a version': (size) => `HTTP/${repeated('1.')(size)}`,
    'errors without words': (size) => `HTTP/2.0 200 OK\n\n${JSON.stringify({ errors: many({})(size) })}`,
    'no pull requests': (size) => `HTTP/2.0 200 OK\n\n${JSON.stringify(many({})(size))}`,
  }
  const repository = { host: 'github.com', owner: 'o', name: 'r' }
  const project = {
    id: 'p',
    name: 'p',
    repository: 'https://github.com/o/r',
    defaultBranch: 'main',
    forge: 'github',
    forgeHost: null,
    mirrorId: 'p',
    branchPattern: null,
    commits: PLAIN_COMMITS,
    sandboxImage: null,
  } as const
  const shas = { baseSha: 'b', headSha: 'h' }
  const ofAttempt = {
    project,
    branches: ['b'],
    workOrderId: 'w',
    attempt: 1,
    ...shas,
    title: 't',
    body: '',
    labels: [],
  }
  for (const [name, make] of Object.entries(answers)) {
    const look = (stdout: string) => {
      const gh = { run: async () => ({ exitCode: 0, stdout, isCut: false, shown: (text: string) => text, said: '' }) }
      const signal = new AbortController().signal
      return findPull(gh, repository, { ...ofAttempt, signal, hold: async () => undefined }).catch(() => null)
    }
    await t.test(name, () => assertLinear(make, look, MOST))
  }
})

test('webhooks', () =>
  assertLinear(
    (size) => ({ repository: { html_url: 'x' }, check_suite: { pull_requests: many({})(size) } }),
    (body) => hintOf('check_suite', body),
    MOST,
  ))

test('the text of an order', async (t) => {
  for (const part of ['sql ', 'sql', ' ', '_', 'fix-', '!'])
    await t.test(JSON.stringify(part), () =>
      assertLinear(
        (size) => `sql${repeated(part)(size)}`,
        (text) => [findHardStops(text), slugOf(text)],
        MOST,
      ),
    )
})

test('paths of an order', async (t) => {
  for (const part of ['a.config.', '.txt', 'test_', '/', './', '.git. ', 'a/'])
    await t.test(part, () =>
      assertLinear(
        repeated(part),
        (path) => [kindOfChange([path, `${path}!`]), pathProblem(path), isGitFolder(path)],
        MOST,
      ),
    )
})

test('what is stored', async (t) => {
  const secrets = { ANTHROPIC_API_KEY: 'sk-0123456789' }
  const clean = createSanitizer({
    secrets,
    githubSecrets: { token: null, enterpriseToken: null, webhook: null },
    databaseUrl: null,
    tracing: null,
    managerUrl: null,
    proposerUrl: null,
    networkEnvironment: {},
  })
  for (const part of ['\\', '\0', '\\u0000', '\ud800', 'sk-012345678'])
    await t.test(JSON.stringify(part), () => assertLinear(repeated(part), clean, MOST))
})
