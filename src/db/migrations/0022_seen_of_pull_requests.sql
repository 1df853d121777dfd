-- Reviews and check runs of a pull request one by one, as they were last seen on its forge; null: not looked at yet, or on the forge `local`.
alter table pull_requests
  add column if not exists seen jsonb;
