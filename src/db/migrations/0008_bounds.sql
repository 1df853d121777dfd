-- What the rows of a ledger, of costs and of orders may hold, whoever writes them. Rows that are there already are neither
-- changed nor dropped: rules for new rows do not look at them, and those of them that break the rules are marked.

-- An amount of USD that can be summed and compared; null for what is none.
create or replace function moose_usd(amount numeric) returns numeric language sql immutable as $$
  select case when amount >= 0 and amount < 1e15 then amount end
$$;

-- `disputed`: entries of the reservation break the rules below; while one is open, nothing is spent.
-- `void`: none of its entries counts.
alter table budget_entries drop constraint if exists budget_entries_kind_check;
alter table budget_entries add constraint budget_entries_kind_check
  check (kind in ('reserved', 'unresolved', 'settled', 'released', 'disputed', 'void'));
-- Nothing is greater than NaN, which Postgres puts above infinity.
alter table budget_entries add constraint budget_entries_amounts_check check (
  case kind
    when 'reserved' then amount_usd >= 0 and amount_usd < 1e15
    when 'settled' then cost_usd >= 0 and cost_usd < 1e15 and amount_usd > -1e15 and amount_usd <= cost_usd
    when 'released' then amount_usd <= 0 and amount_usd > -1e15
    else amount_usd = 0
  end
) not valid;

-- What is wrong with an entry, given the reservation of the same id (null: there is none); null: nothing.
create or replace function moose_entry_problem(entry budget_entries, reservation budget_entries) returns text
language sql immutable as $$
  select case
    when entry.kind in ('disputed', 'void') then null
    when not (entry.amount_usd > -1e15 and entry.amount_usd < 1e15) then 'its amount is not a number of USD'
    when not (entry.cost_usd > -1e15 and entry.cost_usd < 1e15) then 'its cost is not a number of USD'
    when entry.cost_usd < 0 then 'its cost is negative'
    when entry.kind = 'reserved' then case when entry.amount_usd < 0 then 'its amount is negative' end
    when reservation.id is null then 'it ends a reservation that is not there'
    when entry.amount_usd <> case entry.kind
        when 'settled' then entry.cost_usd - reservation.amount_usd
        when 'released' then - reservation.amount_usd
        else 0
      end
      then 'its amount is not what this end of its reservation leaves'
    when (entry.work_order_id, entry.attempt, entry.project_id, entry.decision_id, entry.proposer, entry.provider,
          entry.model, entry.day, entry.month)
      is distinct from
        (reservation.work_order_id, reservation.attempt, reservation.project_id, reservation.decision_id,
         reservation.proposer, reservation.provider, reservation.model, reservation.day, reservation.month)
      then 'it names another payer, call or day than its reservation'
  end
$$;

insert into budget_entries (reservation_id, kind, amount_usd, work_order_id, attempt, project_id, decision_id, proposer,
  provider, model, holder, day, month)
select distinct on (entry.reservation_id) entry.reservation_id, 'disputed', 0, entry.work_order_id, entry.attempt,
  entry.project_id, entry.decision_id, entry.proposer, entry.provider, entry.model, entry.holder, entry.day, entry.month
from budget_entries as entry
left join budget_entries as reservation
  on reservation.reservation_id = entry.reservation_id and reservation.kind = 'reserved'
where moose_entry_problem(entry, reservation) is not null
order by entry.reservation_id, entry.id;

-- With the rights of its owner: who may insert need not be allowed to read.
create or replace function moose_hold_ledger() returns trigger language plpgsql security definer as $$
declare
  problem text;
begin
  if new.kind in ('disputed', 'void') then
    if not exists (
      select from budget_entries as entry
      left join budget_entries as reservation
        on reservation.reservation_id = entry.reservation_id and reservation.kind = 'reserved'
      where entry.reservation_id = new.reservation_id and moose_entry_problem(entry, reservation) is not null
    ) then
      problem := 'no entry of its reservation breaks a rule';
    end if;
  else
    select moose_entry_problem(new, reservation) into problem
    from (select) as one
    left join budget_entries as reservation
      on reservation.reservation_id = new.reservation_id and reservation.kind = 'reserved';
  end if;
  if problem is not null then
    raise exception 'budget_entries takes no entry % of the reservation %: %', new.kind, new.reservation_id, problem
      using errcode = 'check_violation', constraint = 'budget_entries_sound';
  end if;
  return null;
end $$;
-- Tables are found where they are now, and not where a session of somebody else would look first.
do $$ begin
  execute format('alter function moose_hold_ledger() set search_path = %I, pg_temp', current_schema());
end $$;
-- After the row is there, so that one statement may write a reservation and its end.
create or replace trigger budget_entries_sound after insert on budget_entries
  for each row execute function moose_hold_ledger();

-- What is disputed is not under way and not unresolved: it does not count. A call that could cost nothing is not
-- unresolved: nobody needs to know whether it was charged.
create or replace view budget_open_reservations as
  select reserved.*, mark.reservation_id is not null as unresolved
  from budget_entries as reserved
  left join budget_entries as mark on mark.reservation_id = reserved.reservation_id and mark.kind = 'unresolved'
  where reserved.kind = 'reserved' and (mark.reservation_id is null or reserved.amount_usd > 0) and not exists (
    select from budget_entries as ending
    where ending.reservation_id = reserved.reservation_id and ending.kind in ('settled', 'released', 'disputed', 'void')
  );

create index if not exists budget_entries_not_counted on budget_entries (reservation_id) where kind in ('disputed', 'void');
create index if not exists budget_entries_no_number on budget_entries (reservation_id)
  where amount_usd in ('NaN', 'Infinity', '-Infinity') or cost_usd in ('NaN', 'Infinity', '-Infinity');
-- Sums leave out what does not count, by the reservation.
drop index if exists budget_entries_by_month;
create index budget_entries_by_month on budget_entries (month, day)
  include (amount_usd, cost_usd, project_id, reservation_id);
drop index if exists budget_entries_by_order;
create index budget_entries_by_order on budget_entries (work_order_id) include (amount_usd, cost_usd, reservation_id);

-- Costs beside the ledger: they are summed and compared too. By triggers, because rows from before may be updated and a
-- constraint would hold all of such a row to its rule.
create or replace function moose_refuse_amount() returns trigger language plpgsql as $$
begin
  raise exception '%.% takes an amount of USD of 0 or more', tg_table_name, tg_argv[0]
    using errcode = 'check_violation', constraint = tg_table_name || '_' || tg_argv[0] || '_amount';
end $$;
create or replace trigger model_calls_cost before insert or update of cost_usd on model_calls
  for each row when (not (new.cost_usd >= 0 and new.cost_usd < 1e15)) execute function moose_refuse_amount('cost_usd');
create or replace trigger attempts_cost before insert or update of cost_usd on attempts
  for each row when (not (new.cost_usd >= 0 and new.cost_usd < 1e15)) execute function moose_refuse_amount('cost_usd');
create or replace trigger attempt_steps_cost before insert or update of cost_usd on attempt_steps
  for each row when (not (new.cost_usd >= 0 and new.cost_usd < 1e15)) execute function moose_refuse_amount('cost_usd');
create or replace trigger projects_budget before insert or update of budget_usd on projects
  for each row when (not (new.budget_usd >= 0 and new.budget_usd < 1e15)) execute function moose_refuse_amount('budget_usd');

-- Columns of a first Moose are named in functions only: what a trigger itself names cannot change its type any more.
create or replace function moose_hold_outcome() returns trigger language plpgsql as $$
begin
  if not (new.cost >= 0 and new.cost < 1e15) and new.cost is distinct from old.cost then
    raise exception 'outcome_vectors.cost takes an amount of USD of 0 or more'
      using errcode = 'check_violation', constraint = 'outcome_vectors_cost_amount';
  end if;
  return new;
end $$;
create or replace trigger outcome_vectors_hold before insert or update on outcome_vectors
  for each row execute function moose_hold_outcome();

-- What an order may hold. Validation (src/work-order/content.ts) takes less of what a human approves; this is for rows
-- that nothing validates. What is over a bound already may stay, and shrink.
create or replace function moose_hold_order() returns trigger language plpgsql as $$
declare
  -- The keys of `metadata` that Moose writes: it must be able to, whatever else is there.
  own constant text[] := array['approved_by_director', 'approval_withdrawn_at', 'released_for', 'rejection_reason',
    'routing_decision', 'proposer_response', 'executor_execution', 'orchestrator_execution_at', 'orchestrator_error',
    'merge_sha'];
  bad record;
begin
  select name into bad
  from (values
    ('estimated_cost', new.estimated_cost, new.estimated_cost is distinct from old.estimated_cost),
    ('actual_cost', new.actual_cost, new.actual_cost is distinct from old.actual_cost),
    ('budget_usd', new.budget_usd, new.budget_usd is distinct from old.budget_usd)
  ) as amounts (name, amount, is_new)
  where is_new and not (amount >= 0 and amount < 1e15);
  if found then
    raise exception 'work_orders.% takes an amount of USD of 0 or more', bad.name
      using errcode = 'check_violation', constraint = 'work_orders_' || bad.name || '_amount';
  end if;

  if tg_op = 'UPDATE' and (new.title, new.description, new.acceptance_criteria, new.files_in_scope, new.metadata,
      new.status_reason) is not distinct from
    (old.title, old.description, old.acceptance_criteria, old.files_in_scope, old.metadata, old.status_reason)
  then
    return new;
  end if;
  select name, size, most into bad
  from (values
    ('title', char_length(new.title), char_length(old.title), 1000),
    ('description', char_length(new.description), char_length(old.description), 100000),
    ('acceptance_criteria', char_length(new.acceptance_criteria::text), char_length(old.acceptance_criteria::text), 500000),
    ('files_in_scope', char_length(new.files_in_scope::text), char_length(old.files_in_scope::text), 500000),
    ('status_reason', char_length(new.status_reason::text), char_length(old.status_reason::text), 100000),
    ('metadata',
      char_length((case jsonb_typeof(new.metadata) when 'object' then new.metadata - own else new.metadata end)::text),
      char_length((case jsonb_typeof(old.metadata) when 'object' then old.metadata - own else old.metadata end)::text),
      100000),
    ('metadata',
      (select max(char_length(value::text))
        from jsonb_each(case jsonb_typeof(new.metadata) when 'object' then new.metadata else '{}' end) where key = any (own)),
      (select max(char_length(value::text))
        from jsonb_each(case jsonb_typeof(old.metadata) when 'object' then old.metadata else '{}' end) where key = any (own)),
      100000)
  ) as sizes (name, size, was, most)
  where size > most and size > coalesce(was, 0)
  limit 1;
  if found then
    raise exception 'work_orders.% has % characters (of JSON, where it is JSON); at most % are allowed',
      bad.name, bad.size, bad.most
      using errcode = 'check_violation', constraint = 'work_orders_' || bad.name || '_size';
  end if;
  return new;
end $$;
create or replace trigger work_orders_hold before insert or update on work_orders
  for each row execute function moose_hold_order();

-- Events are never changed, so a constraint can hold them.
alter table work_order_events add constraint work_order_events_size check (
  char_length(message) <= 100000 and char_length(data::text) <= 100000 and char_length(type) <= 100
  and (step is null or char_length(step) <= 200)
) not valid;

-- The view was made anew; who may read it is as before.
select moose_secure();
