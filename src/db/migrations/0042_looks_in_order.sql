-- Looks at pull requests are numbered as they begin, by all processes together, so that one whose answer comes late writes nothing
-- over what a later one has seen; clocks of two machines may differ.
create sequence if not exists moose_looks;

alter table pull_requests
  -- The number of the last look that was kept, and of the one whose facts were; null: a Moose without numbers kept it, or none was.
  add column if not exists seen_look bigint,
  add column if not exists followed_look bigint;

-- The sequence belongs to Moose: no role of the API of Supabase uses it.
do $$
declare
  who text;
begin
  execute 'revoke all on sequence moose_looks from public';
  for who in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on sequence moose_looks from %I', who);
  end loop;
end $$;
