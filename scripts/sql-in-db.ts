/**
 * The gate `sql`: queries are made in `src/db/` alone. Elsewhere `kysely` and `pg` are imported for their types only, and
 * nothing calls what begins a query. `db.transaction()` is no query: what belongs together is decided above.
 *
 * The displayed steps, `attempt_steps`, are read by the files that show them alone: the journal of the engine decides. So that
 * no file hides such a query, none exports again what another one exports.
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
  'executeQuery',
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
    const later = importedLater(node)
    if (later !== null) add(node, `imports more than types of ${later.getText()}`)
    const called = ts.isCallExpression(node) ? nameCalled(node.expression) : null
    if (called !== null && BEGINS_A_QUERY.has(called.text)) add(called, `calls .${called.text}()`)
    ts.forEachChild(node, look)
  }
  look(tree)
  return found
}

/** The member a call is of, as `a.name()` or `a['name']()`; null: it is no call of a member. */
function nameCalled(callee: ts.Expression): ts.Identifier | ts.StringLiteralLike | null {
  if (ts.isPropertyAccessExpression(callee)) return ts.isIdentifier(callee.name) ? callee.name : null
  if (!ts.isElementAccessExpression(callee)) return null
  return ts.isStringLiteralLike(callee.argumentExpression) ? callee.argumentExpression : null
}

/** The library of queries that `import('…')` loads; null: it is no such call. */
function importedLater(node: ts.Node): ts.StringLiteralLike | null {
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return null
  const [library] = node.arguments
  return library !== undefined && ts.isStringLiteralLike(library) && LIBRARIES.has(library.text) ? library : null
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

/** Files that write the displayed steps, show them, or add up their times. */
const READ_DISPLAYED_STEPS: ReadonlySet<string> = new Set([
  'src/db/attempts/attempt-history.ts',
  'src/db/attempts/attempt-steps.ts',
  'src/db/attempts/attempts.ts',
  'src/db/schema.ts',
  'src/db/work-orders/suspended-orders.ts',
])

function report(file: string, pattern: RegExp, what: string): void {
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (!pattern.test(line)) continue
    console.log(`${file}:${index + 1}: ${what}`)
    process.exitCode = 1
  }
}

const modules = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
for (const file of modules.toSorted()) {
  report(
    file,
    /^export (?:type )?(?:\*|\{[^}]*\}) .*from '/,
    'exports again what another file exports; import it from there',
  )
  if (READ_DISPLAYED_STEPS.has(file)) continue
  report(file, /attempt_steps/, 'reads attempt_steps, which is for display; ask the journal of the engine')
}

const files = modules.filter((file) => !file.startsWith('src/db/'))
for (const file of files.toSorted()) {
  for (const { line, what } of findingsIn(file)) {
    console.log(`${file}:${line}: ${what}; move the query into src/db`)
    process.exitCode = 1
  }
}
console.log(`${files.length} modules outside of src/db`)
