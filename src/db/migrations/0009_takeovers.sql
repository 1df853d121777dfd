alter table attempts
  -- How often it was gone on with after the process that carried it out was gone without having left: killed, or hung.
  add column if not exists takeovers integer not null default 0,
  -- That process is gone, and none has gone on with it since.
  add column if not exists left_behind boolean not null default false;
