-- Processes that run attempts, one row per home. All times are the database's, so that no machine's clock counts.
create table if not exists workers (
  executor_id text primary key,
  -- The process itself: a restarted one has the same executor id and another holder.
  holder uuid not null,
  host text not null,
  pid integer not null,
  version text not null,
  -- Of the pipeline: only a worker of the same revision takes its attempts over.
  revision text not null,
  started_at timestamptz not null default clock_timestamp(),
  -- Until then others leave its attempts alone.
  lease_until timestamptz not null,
  -- It has ended properly: nobody needs to wonder whether it only is silent.
  has_left boolean not null default false,
  -- From then on it may say of others that they are gone: who was cut off itself has heard of nobody for a while.
  judges_from timestamptz not null default '-infinity'
);

alter table attempts
  -- The process that runs it; every effect asks whether that is still so. Null: a Moose that knew no fleet began it.
  add column if not exists holder uuid,
  -- Of the pipeline that runs it. Null as above.
  add column if not exists revision text;

-- Where a step was made: a commit lies in the mirror of that home only. Null as above.
alter table attempt_steps add column if not exists executor_id text;
update attempt_steps set executor_id = attempts.executor_id
  from attempts
  where attempts.work_order_id = attempt_steps.work_order_id and attempts.number = attempt_steps.attempt
    and attempts.status in ('running', 'blocked');

create index if not exists attempts_running_by_executor on attempts (executor_id) where status = 'running';

-- What was begun before fleets was begun by the revision of that time, and may go on.
update attempts set revision = 'pipeline-3' where status in ('running', 'blocked') and revision is null;
