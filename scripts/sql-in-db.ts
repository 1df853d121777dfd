/**
 * The gate `sql`: queries are made in `src/db/` alone. Elsewhere `kysely` and `pg` are imported for their types only, and
 * nothing calls what begins a query. `db.transaction()` is no query: what belongs together is decided above.
 */
import { globSync, readFileSync } from 'node:fs'
import ts from 'typescript'

const LIBRARIES: ReadonlySet<string> = new Set(['kysely', 'pg'])
const BEGINS_A_QUERY: ReadonlySet<string> = new Set([
  'selectFrom',
  'insertInto',
  'updateTable',
  'deleteFrom',
  'replaceInto',
  'mergeInto',
  'query',
])

type Finding = { line: number; what: string }

/** What a module has of a query, from top to bottom. */
function findingsIn(file: string): Finding[] {
  const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Finding[] = []
  const add = (node: ts.Node, what: string) =>
    found.push({ line: tree.getLineAndCharacterOfPosition(node.getStart()).line + 1, what })
  const look = (node: ts.Node): void => {
    if (isValueImport(node)) add(node, `imports more than types of ${node.moduleSpecifier.getText()}`)
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { text } = node.expression.name
      if (BEGINS_A_QUERY.has(text)) add(node.expression.name, `calls .${text}()`)
    }
    ts.forEachChild(node, look)
  }
  look(tree)
  return found
}

function isValueImport(node: ts.Node): node is ts.ImportDeclaration {
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return false
  if (!LIBRARIES.has(node.moduleSpecifier.text)) return false
  const { importClause: clause } = node
  if (clause === undefined) return true
  if (clause.isTypeOnly) return false
  const { namedBindings: named } = clause
  const isWhole = clause.name !== undefined || (named !== undefined && ts.isNamespaceImport(named))
  return isWhole || (named !== undefined && ts.isNamedImports(named) && named.elements.some((one) => !one.isTypeOnly))
}

const files = globSync('src/**/*.ts').filter((file) => !file.startsWith('src/db/') && !file.endsWith('.test.ts'))
for (const file of files.toSorted()) {
  for (const { line, what } of findingsIn(file)) {
    console.log(`${file}:${line}: ${what}; move the query into src/db`)
    process.exitCode = 1
  }
}
console.log(`${files.length} modules outside of src/db`)
