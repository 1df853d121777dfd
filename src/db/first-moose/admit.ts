import type pg from 'pg'
import { Fault } from '../../faults/fault.ts'

const TEXT = /^(text|character varying.*)$/
const KINDS = {
  id: /^uuid$/,
  text: TEXT,
  idOrText: new RegExp(`^uuid$|${TEXT.source}`),
  classOrText: new RegExp(`^failure_class_enum$|${TEXT.source}`),
  integer: /^(smallint|integer)$/,
  numeric: /^numeric/,
  boolean: /^boolean$/,
  json: /^jsonb$/,
  time: /^timestamp/,
}
type Kind = keyof typeof KINDS

/** The columns of migration 0001 in tables that may have been there before it. */
const SHARED: Readonly<Record<string, Partial<Record<Kind, readonly string[]>>>> = {
  projects: { id: ['id'], text: ['name', 'repository', 'forge', 'default_branch'], time: ['created_at'] },
  work_orders: {
    id: ['id', 'project_id'],
    text: ['title', 'description', 'risk_level', 'status', 'phase', 'github_branch', 'github_pr_url'],
    idOrText: ['proposer_id'],
    integer: ['attempts', 'github_pr_number'],
    numeric: ['estimated_cost', 'actual_cost', 'complexity_score'],
    json: ['acceptance_criteria', 'files_in_scope', 'metadata', 'status_reason'],
    time: ['created_at', 'updated_at', 'completed_at'],
  },
  github_events: {
    id: ['id', 'work_order_id'],
    text: ['event_type', 'action', 'branch_name', 'status'],
    integer: ['pr_number'],
    json: ['metadata'],
    time: ['created_at'],
  },
  outcome_vectors: {
    id: ['id', 'work_order_id'],
    text: ['agent_name', 'operation_type', 'outcome', 'model_used', 'route_reason'],
    classOrText: ['failure_class'],
    integer: ['attempt', 'execution_time_ms', 'diff_size_lines', 'test_duration_ms'],
    numeric: ['cost'],
    boolean: ['success'],
    json: ['error_context', 'metadata'],
    time: ['created_at'],
  },
  proposer_configs: {
    text: ['name', 'model', 'provider', 'base_url'],
    numeric: ['complexity_threshold'],
    boolean: ['active'],
    json: ['cost_profile'],
  },
  system_config: { text: ['key', 'value'], time: ['updated_at'] },
}

/** What Moose writes into every new row of them. */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  projects: ['name'],
  work_orders: ['title', 'description'],
  github_events: ['event_type'],
  outcome_vectors: ['work_order_id', 'success', 'cost', 'execution_time_ms', 'model_used'],
  proposer_configs: ['name', 'provider', 'model', 'complexity_threshold'],
  system_config: ['key', 'value'],
}

type Column = {
  table_name: string
  name: string
  type: string
  /** It must not be null, and nothing fills it in. */
  must_be_given: boolean
  /** What else in the database uses it and would hinder a change of its type. */
  used_by: string[]
}

/**
 * Makes room in the tables of the first Moose for the rows of this one, within the transaction of a migration: numbers keep
 * all their decimals, and a column that Moose does not write may be left out. No row is changed. In a database of Moose's own
 * there is nothing to do.
 *
 * @throws {Fault} `database_refused` with everything that cannot be kept, before anything is changed
 */
export async function admitFirstMoose(client: pg.PoolClient): Promise<void> {
  const columns = await readColumns(client)
  const problems = columns.flatMap(problemsOf)
  if (problems.length > 0) throw cannotKeep(problems)
  for (const column of columns) {
    const table = client.escapeIdentifier(column.table_name)
    const name = client.escapeIdentifier(column.name)
    if (isRounded(column)) await client.query(`alter table ${table} alter column ${name} type numeric`)
    if (!isLeftOut(column)) continue
    const change = column.type === 'jsonb' ? `set default '{}'` : 'drop not null'
    await client.query(`alter table ${table} alter column ${name} ${change}`)
  }
}

/** Those of the shared tables that are there. */
async function readColumns(client: pg.PoolClient): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select class.relname as table_name, attribute.attname as name,
      format_type(attribute.atttypid, attribute.atttypmod) as type,
      attribute.attnotnull and not attribute.atthasdef and attribute.attidentity = '' and not exists (
        select from pg_index where indrelid = class.oid and indisprimary and attribute.attnum = any (indkey)
      ) as must_be_given,
      array(
        select distinct pg_describe_object(dependent.classid, dependent.objid, 0) from pg_depend as dependent
        where dependent.refclassid = 'pg_class'::regclass and dependent.refobjid = class.oid
          and dependent.refobjsubid = attribute.attnum and dependent.deptype in ('n', 'a')
          and dependent.classid in ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass)
        union
        select 'generated column ' || generated.attname from pg_depend as dependent
        join pg_attrdef as made on dependent.classid = 'pg_attrdef'::regclass and made.oid = dependent.objid
        join pg_attribute as generated
          on generated.attrelid = made.adrelid and generated.attnum = made.adnum and generated.attgenerated <> ''
        where dependent.refclassid = 'pg_class'::regclass and dependent.refobjid = class.oid
          and dependent.refobjsubid = attribute.attnum and generated.attnum <> attribute.attnum
      )::text[] as used_by
    from pg_class as class
    join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
    where class.oid in (select to_regclass(name) from unnest($1::text[]) as name) and class.relkind in ('r', 'p')
    order by 1, 2`,
    [Object.keys(SHARED)],
  )
  return rows
}

function problemsOf(column: Column): string[] {
  const { table_name: table, name, type, used_by: users } = column
  const kind = kindOf(column)
  if (kind !== undefined && !kind.test(type)) return [`${table}.${name} is ${type}, which Moose cannot work with`]
  if (!isRounded(column)) return []
  return users.map((user) => `${user} uses ${table}.${name}, which is ${type} and would round what Moose writes`)
}

/** What types Moose can work with; undefined: it is no column of Moose's. */
function kindOf({ table_name: table, name }: Column): RegExp | undefined {
  const [kind] = Object.entries(SHARED[table] ?? {}).find(([, names]) => names.includes(name)) ?? []
  return kind === undefined ? undefined : new Map<string, RegExp>(Object.entries(KINDS)).get(kind)
}

/** Whether a number loses decimals in it. */
function isRounded(column: Column): boolean {
  return column.type.startsWith('numeric(') && kindOf(column) === KINDS.numeric
}

function isLeftOut({ table_name: table, name, must_be_given: mustBeGiven }: Column): boolean {
  return mustBeGiven && WRITTEN[table]?.includes(name) !== true
}

function cannotKeep(problems: readonly string[]): Fault {
  const message =
    `The database has tables that Moose shares with the first Moose, and cannot keep them as they are: ${problems.join('; ')}. ` +
    'Nothing was changed. Change the type of a column, or drop what uses it (it can be created again afterwards), ' +
    'then: moose migrate. Or use another database.'
  return new Fault('database_refused', message, { problems: problems.length })
}
