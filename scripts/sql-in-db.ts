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

/** Files that write the displayed steps, show them, or add up their times. */
const READ_DISPLAYED_STEPS: ReadonlySet<string> = new Set([
  'src/db/attempts/attempt-history.ts',
  'src/db/attempts/model-tries.ts',
  'src/db/attempts/attempt-steps.ts',
  'src/db/attempts/attempts.ts',
  'src/db/attempts/ended-verifications.ts',
  'src/db/numbers/outcomes.ts',
  'src/db/schema.ts',
  'src/db/work-orders/order-whereabouts.ts',
  'src/db/work-orders/suspended-orders.ts',
])

type Finding = { line: number; what: string }

/** What a module breaks, from top to bottom. */
function findingsIn(file: string): Finding[] {
  const text = readFileSync(file, 'utf8')
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Finding[] = []
  const add = (at: number, what: string) => found.push({ line: tree.getLineAndCharacterOfPosition(at).line + 1, what })
  const isInDb = file.startsWith('src/db/')
  const look = (node: ts.Node): void => {
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      add(node.getStart(), 'exports again what another file exports; import it from there')
    const query = isInDb ? null : queryIn(node)
    if (query !== null) add(query.at, `${query.what}; move the query into src/db`)
    ts.forEachChild(node, look)
  }
  look(tree)
  const displayed = READ_DISPLAYED_STEPS.has(file) ? -1 : text.indexOf('attempt_steps')
  if (displayed >= 0) add(displayed, 'reads attempt_steps, which is for display; ask the journal of the engine')
  return found
}

/** What of a query begins at a node; null: none does. */
function queryIn(node: ts.Node): { at: number; what: string } | null {
  const library = isValueImport(node) ? node.moduleSpecifier : importedLater(node)
  if (library !== null) return { at: node.getStart(), what: `imports more than types of ${library.getText()}` }
  const called = ts.isCallExpression(node) ? nameCalled(node.expression) : null
  if (called === null || !BEGINS_A_QUERY.has(called.text)) return null
  return { at: called.getStart(), what: `calls .${called.text}()` }
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

const modules = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
for (const file of modules.toSorted()) {
  for (const { line, what } of findingsIn(file)) {
    console.log(`${file}:${line}: ${what}`)
    process.exitCode = 1
  }
}
console.log(`${modules.filter((file) => !file.startsWith('src/db/')).length} modules outside of src/db`)
