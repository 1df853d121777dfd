-- Who may call the API, by the SHA-256 of their token: 256 random bits, which no dictionary and no search finds, so that a
-- slow hash would add nothing. The token itself is shown once and stored nowhere here.
create table api_tokens (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  hash bytea not null unique check (octet_length(hash) = 32),
  scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['read', 'file', 'approve', 'operate']),
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  -- To the hour.
  last_used_at timestamptz,
  -- Null: it does not expire.
  expires_at timestamptz,
  revoked_at timestamptz
);
-- A revoked token stays, for what it has done; its name is free again.
create unique index api_tokens_name on api_tokens (name) where revoked_at is null;

-- No table of moose_tables(), which service_role may read: a Director's key must not get at hashes, nor make itself a token.
alter table api_tokens enable row level security;
revoke all on api_tokens from public;
do $$
declare
  who text;
begin
  for who in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on api_tokens from %I', who);
  end loop;
end $$;

-- Who filed the order, as `kind:name`; null: it was filed before this was kept. By plain SQL: the role that wrote it.
alter table work_orders add column filed_by text check (char_length(filed_by) <= 300);
alter table work_orders alter column filed_by
  set default coalesce(nullif(current_setting('moose.actor', true), ''), 'database_role:' || current_user);
