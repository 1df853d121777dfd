-- breaking
-- A step that failed may be tried again within its attempt: another try is another row, with its own end and cost.
-- Steps are told apart by when they began; their place in the list of all steps says nothing any more.
alter table attempt_steps
  drop constraint if exists attempt_steps_pkey,
  drop column if exists position,
  -- 1 for the first.
  add column if not exists try integer not null default 1 check (try > 0);
alter table attempt_steps add primary key (work_order_id, attempt, name, try);
