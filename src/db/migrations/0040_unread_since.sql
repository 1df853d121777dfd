-- Since when a look has seen something else than what the facts of a pull request were read of; null: they are of the last look.
alter table pull_requests add column if not exists unread_since timestamptz;
