-- What the last look saw of an open pull request, and what it was when its facts were read: the same mark says that nothing has
-- changed between. Rules of merging go by facts of the look that they judge by alone.
alter table pull_requests
  add column if not exists seen_mark text,
  -- Its base on its forge; null: it was not looked at.
  add column if not exists seen_base text,
  add column if not exists seen_draft boolean not null default false,
  add column if not exists followed_mark text,
  -- People with write access whose latest review asks for changes, and those who ask for what was not done; their logins.
  add column if not exists seen_changes_requested text[] not null default '{}',
  add column if not exists seen_unanswered text[] not null default '{}',
  -- Names of checks that ran on its base and not on its commit.
  add column if not exists seen_absent_checks text[] not null default '{}';
