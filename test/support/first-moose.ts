import { readFileSync } from 'node:fs'
import path from 'node:path'

/** The tables of the first Moose with rows in each, and what Supabase has open to everybody in such projects. */
export const FIRST_MOOSE = readFileSync(path.join(import.meta.dirname, '../fixtures/first-moose/schema.sql'), 'utf8')

export const OPEN_TO_EVERYBODY = `
  alter table work_orders enable row level security;
  create policy "Enable all for all" on work_orders using (true) with check (true);
  grant all on work_orders to public, anon, authenticated;
`

const SHARED = ['projects', 'work_orders', 'github_events', 'outcome_vectors', 'proposer_configs', 'system_config']

/** Tables and views that Moose leaves as they are. */
export const LEFT_TO_THE_FIRST_MOOSE = [...FIRST_MOOSE.matchAll(/^create (?:table|view) (\w+)/gm)]
  .map(([, name]) => String(name))
  .filter((name) => !SHARED.includes(name))
