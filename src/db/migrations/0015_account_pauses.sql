-- A provider is also left alone when an account, its key or its quota is what is wrong.
alter table provider_pauses
  -- outage: it does not answer; account: it does not accept the calls of this account.
  add column if not exists kind text not null default 'outage',
  -- By which a process tells whether it has another key than the one that was refused; no part of the key.
  add column if not exists key_mark text;
