-- breaking
-- Money: an older Moose would call models without asking the ledger.

-- The clock of everything that is counted by day or month.
create or replace function moose_now() returns timestamptz language sql volatile as $$ select clock_timestamp() $$;

-- The ledger. Every try of a model call is reserved with its worst case before it is sent, and settled or released
-- after it. `amount_usd` is what an entry changes, so that the sum over any scope is what is spent and reserved there.
create table budget_entries (
  id bigint generated always as identity primary key,
  reservation_id uuid not null,
  -- unresolved: nobody knows whether the call was charged; it stays reserved until somebody reconciles it.
  kind text not null check (kind in ('reserved', 'unresolved', 'settled', 'released')),
  amount_usd numeric not null,
  -- What was charged; for a settlement only.
  cost_usd numeric check ((cost_usd is not null) = (kind = 'settled')),
  -- No foreign keys: what was spent stays spent when its order is deleted.
  work_order_id uuid,
  attempt integer,
  project_id uuid,
  -- `routing_metadata.budget_reservation_id` of the decision the call was made under.
  decision_id uuid,
  proposer text not null,
  provider text not null,
  model text not null,
  -- The process that made the call.
  holder uuid not null,
  -- In UTC, of the reservation; its end is booked on the same day.
  day date not null,
  month date not null,
  at timestamptz not null default moose_now(),
  check (kind <> 'reserved' or amount_usd >= 0),
  check (kind <> 'unresolved' or amount_usd = 0)
);
create unique index budget_entries_one_of_each on budget_entries (reservation_id, kind);
create unique index budget_entries_one_end on budget_entries (reservation_id) where kind in ('settled', 'released');
create index budget_entries_unresolved on budget_entries (reservation_id) where kind = 'unresolved';
create index budget_entries_by_month on budget_entries (month, day) include (amount_usd, cost_usd, project_id);
create index budget_entries_by_order on budget_entries (work_order_id) include (amount_usd, cost_usd);

-- Calls that are under way, and those of which nobody knows whether they were charged.
create or replace view budget_open_reservations as
  select reserved.*, mark.reservation_id is not null as unresolved
  from budget_entries as reserved
  left join budget_entries as mark on mark.reservation_id = reserved.reservation_id and mark.kind = 'unresolved'
  where reserved.kind = 'reserved' and not exists (
    select from budget_entries as ending
    where ending.reservation_id = reserved.reservation_id and ending.kind in ('settled', 'released')
  );

create or replace function moose_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'check_violation', constraint = 'append_only';
end $$;
create or replace trigger budget_entries_append_only before update or delete or truncate on budget_entries
  for each statement execute function moose_refuse_change();

-- Null: the cap of `budget_limits` applies. Nothing is less than NaN, which Postgres puts above infinity.
alter table work_orders add column if not exists budget_usd numeric check (budget_usd >= 0 and budget_usd < 'Infinity');
alter table projects add column if not exists budget_usd numeric check (budget_usd >= 0 and budget_usd < 'Infinity');

alter table attempts
  add column if not exists decision_id uuid,
  -- How often it went on after it had been suspended.
  add column if not exists resumed integer not null default 0;

alter table model_calls
  add column if not exists reservation_id uuid,
  -- The price that was used: rates in USD per million tokens, and where they are from.
  add column if not exists price jsonb,
  add column if not exists cache_read_tokens integer not null default 0,
  add column if not exists cache_write_tokens integer not null default 0,
  add column if not exists reasoning_tokens integer not null default 0,
  -- What was asked, as a hash; the same question of the same order is not paid twice.
  add column if not exists request_key text,
  -- A whole answer in UTF-8; null for every other end. Bytes, because a text of Postgres cannot hold every character.
  add column if not exists answer bytea;
-- A booking whose acknowledgement was lost is made again, and is there already.
create unique index if not exists model_calls_by_reservation on model_calls (reservation_id);
create index if not exists model_calls_answered on model_calls (work_order_id, request_key) where answer is not null;

-- What waits to go on, and what is learned from.
create index if not exists attempts_blocked on attempts (work_order_id) where status = 'blocked';
create index if not exists outcome_vectors_latest on outcome_vectors (operation_type, created_at);

-- Providers that are left alone for a while, by everybody.
create table if not exists provider_pauses (
  -- The provider, with its base_url where it has one of its own.
  provider text primary key,
  -- Outages in a row.
  failures integer not null,
  reason text not null,
  since timestamptz not null default moose_now(),
  until timestamptz not null
);

-- A raised cap counts at once, as a changed setting does.
create or replace trigger work_orders_notify_budget after update on work_orders
  for each row when (old.budget_usd is distinct from new.budget_usd) execute function moose_notify_config();
create or replace trigger projects_notify_budget after update on projects
  for each row when (old.budget_usd is distinct from new.budget_usd) execute function moose_notify_config();
create or replace trigger proposer_configs_notify after insert or update or delete on proposer_configs
  for each row execute function moose_notify_config();
