-- What no event of an order tells of, for open pages: which kind of thing has changed. Acts are in the audit trail, whoever
-- did them; that a provider is paused and that a worker comes or goes are no acts.
create or replace function moose_notify_act() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_settings', left(new.subject_kind, 100));
  return null;
end $$;
create or replace trigger audit_entries_notify_settings after insert on audit_entries
  for each row when (new.subject_kind not in ('order', 'pull_request')) execute function moose_notify_act();

create or replace function moose_notify_settings() returns trigger language plpgsql as $$
begin
  perform pg_notify('moose_settings', tg_argv[0]);
  return null;
end $$;
create or replace trigger provider_pauses_notify_settings after insert or update or delete on provider_pauses
  for each row execute function moose_notify_settings('provider');
create or replace trigger workers_notify_settings after insert or delete on workers
  for each row execute function moose_notify_settings('worker');
-- Not when a lease is renewed, which is every few seconds.
create or replace trigger workers_notify_change after update on workers
  for each row when ((old.holder, old.has_left) is distinct from (new.holder, new.has_left))
  execute function moose_notify_settings('worker');
