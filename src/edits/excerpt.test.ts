/** Write blocks that hold a part of a file: its other lines are not lost by accident. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../test/support/edit-outcome.ts'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { isExcerptOf } from './excerpt.ts'

const HEAD = "import { db } from './db.ts'\n\nconst users = new Map()\n"
const FIND = '\nexport function findUser(id) {\n  return users.get(id)\n}\n'
const LIST = '\nexport function listUsers() {\n  return [...users.values()]\n}\n'
const REMOVE = '\nexport function removeUser(id) {\n  users.delete(id)\n  return db.remove(id)\n}\n'
const COUNT = '\nexport function count() {\n  return users.size\n}\n'
const pure = (n: number) => `export function f${n}(a) {\n  const b = a + ${n}\n  return b * ${n}\n}\n`
const GO =
  'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc start() {\n\tfmt.Println("Hello")\n}\n\nfunc stop() {\n\tos.Exit(1)\n}\n\nfunc fail() {\n\tos.Exit(3)\n}\n\nfunc end() {\n\tos.Exit(4)\n}\n'
const C =
  '#include <stdio.h>\n#include "a.h"\n\nint hello() {\n  return puts("hi");\n}\n\nint add(int a, int b) {\n  return a + b;\n}\n'
const JOIN =
  "import { join } from 'node:path'\n\nexport function legacy(a) {\n  const b = join('x', a)\n  return b\n}\n\nexport function old(a) {\n  return join(a, 'y')\n}\n"
const LIST_ALL = "\nexport function names(list) {\n  return list.join(', ')\n}\n"
const GO_ONE = 'func one() int {\n\treturn 1\n}\n'
const GO_FMT = `package main\n\nimport "fmt"\n\n${GO_ONE}\nfunc start() {\n\tfmt.Println("Hello")\n\tfmt.Println("You")\n}\n`
const FILES: Files = {
  'main.go': GO,
  'main.c': C,
  'join.ts': `${JOIN}${LIST_ALL}`,
  'load.ts': `${JOIN.replaceAll('join', 'load')}\nexport function all(o) {\n  return o.load\n}\n`,
  'fmt.go': GO_FMT,
  'cart.py':
    'from typing import Sequence\n\n\ndef count(items):\n    return len(items)\n\n\ndef total(items: Sequence) -> int:\n    return sum(items)\n',
  'users.ts': HEAD + FIND + LIST + REMOVE + COUNT,
  'cart.ts':
    'export class Cart {\n  #items = []\n\n  add(item) {\n    this.#items.push(item)\n  }\n\n  total() {\n    return this.#items.length\n  }\n\n  clear() {\n    this.#items = []\n  }\n}\n',
  'app.py':
    "import os\nimport sys\n\n\ndef start(port):\n    return port\n\n\ndef stop(server):\n    server.close()\n\n\ndef main():\n    start(int(sys.argv[1]))\n\n\nif __name__ == '__main__':\n    main()\n",
  'pure.ts': [1, 2, 3, 4, 5, 6].map(pure).join('\n'),
  'dev.yaml': 'name: dev\nhost: localhost\nport: 8080\ndebug: true\nlevel: info\ncache: none\n',
  'list.json': '{\n  "a": 1,\n  "b": 2,\n  "c": 3,\n  "d": 4,\n  "e": 5\n}\n',
}
const written = (path: string, body: string) => `### write ${path}\n\`\`\`\`\n${body}\`\`\`\`\n`

const EXCERPTS: Record<string, [path: string, body: string]> = {
  'a function that uses a value of the rest': ['users.ts', FIND.trimStart().replace('(id)\n', '(String(id))\n')],
  'a function that spreads a value of the rest': ['users.ts', LIST.trimStart().replace('()]', '()].sort()')],
  'one that uses what the rest imports': ['users.ts', REMOVE.trimStart().replace('delete(id)', 'delete(+id)')],
  'the last one': ['users.ts', COUNT.trimStart().replace('size', 'size + 1')],
  'a method': ['cart.ts', '  total() {\n    return this.#items.length + 1\n  }\n'],
  'a start that leaves a block open': [
    'cart.ts',
    'export class Cart {\n  #items = []\n\n  add(item) {\n    this.#items.push(item, 1)\n  }\n',
  ],
  'the end of a script': [
    'app.py',
    "def main():\n    start(int(sys.argv[2]))\n\n\nif __name__ == '__main__':\n    main()\n",
  ],
  'a small part of the middle': ['pure.ts', pure(3).replace('b * 3', 'b * 33')],
  'a start that imports what only the rest uses': ['users.ts', HEAD + FIND.replace('(id)\n', '(String(id))\n')],
  'a start in several lines of imports': ['main.go', GO.slice(0, GO.indexOf('\nfunc stop')).replace('Hello', 'Hi')],
  'an end without its package': ['main.go', GO.slice(GO.indexOf('func stop')).replace('(1)', '(2)')],
  'an end without its includes': ['main.c', C.slice(C.indexOf('int add')).replace('a + b', 'b + a')],
  'an end that uses a type the rest imports': [
    'cart.py',
    'def total(items: Sequence) -> int:\n    return sum(items) + 1\n',
  ],
  'an end that uses an import in a value of a string': [
    'join.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is one of the file
    LIST_ALL.trimStart().replace("list.join(', ')", '`${join(list)}`'),
  ],
  'lines of an object': ['list.json', '  "b": 2,\n  "c": 33\n'],
}

for (const [name, [path, body]] of Object.entries(EXCERPTS))
  test(`a write block does not cut a file down to an excerpt of it: ${name}`, async () => {
    assert.match(await refusalOf(FILES, written(path, body)), /holds only a part of it.*SEARCH/)
  })

const SHRUNK: Record<string, [path: string, body: string]> = {
  'the start without what it needs no more': [
    'users.ts',
    `const users = new Map()\n${FIND.replace('(id)\n', '(String(id))\n')}`,
  ],
  'what the last function needs': ['users.ts', HEAD + COUNT.replace('size', 'size + 1')],
  'a function as it stands': ['users.ts', FIND.trimStart()],
  'a function that needs the rest no more': ['users.ts', 'export function count() {\n  return 0\n}\n'],
  'another text': ['users.ts', "export { findUser, removeUser, count } from './db.ts'\n"],
  'one method in its class': [
    'cart.ts',
    'export class Cart {\n  #items = []\n\n  total() {\n    return this.#items.length + 1\n  }\n}\n',
  ],
  'a function with an import of its own': [
    'users.ts',
    `import {\n  users,\n} from './all.ts'\n${COUNT.replace('size', 'size + 1')}`,
  ],
  'a function with another import of a name': ['users.ts', `import { users } from './all.ts'\n${COUNT}`],
  'a member that is named like an import': ['join.ts', LIST_ALL.trimStart().replace("', '", "'; '")],
  'a property that is named like an import': ['load.ts', 'export function all(o) {\n  return o.load + 1\n}\n'],
  'a string that is named like an import': ['join.ts', LIST_ALL.trimStart().replace("', '", "'join'")],
  'a comment that is named like an import': ['fmt.go', `package main\n\n// One has no fmt.\n${GO_ONE}`],
  'some functions': ['pure.ts', [2, 3, 4].map(pure).join('\n').replace('b * 3', 'b * 33')],
  'some settings': ['dev.yaml', 'port: 9090\ndebug: true\n'],
  'some members': ['list.json', '{\n  "b": 2,\n  "c": 33\n}\n'],
}

for (const [name, [path, body]] of Object.entries(SHRUNK))
  test(`a write block may leave of a file less than half: ${name}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, written(path, body)), { [path]: body })
  })

for (const part of [
  'const a = (\n',
  'import (\n',
  'use a::{b, c};\n',
  'import { a } from "b"\n',
  'a.b(',
  'function a',
  'x\ny\n',
])
  test(`an excerpt is known in linear time: ${JSON.stringify(part)}`, async () => {
    const file = ['const z = 1', 'const y = 2', 'export {}']
    await assertLinear(
      (size) => repeated(part)(size).split('\n'),
      (lines) => {
        isExcerptOf([...file, ...lines, ...file], [...lines, 'new'])
        isExcerptOf([...lines, ...file], ['const y = 2', 'y.a()'])
      },
      200_000,
    )
  })
