-- A pull request that git cannot merge into its base: seen, told, and resolved by a model where a human asks for that.

-- Whether a model may be asked where git cannot merge: of the attempt that verifies, and of the one that is to.
alter table attempts add column if not exists resolves boolean not null default false;
alter table work_orders add column if not exists resolves boolean not null default false;
-- The ids of head and base that a model was asked to resolve, with a space between; null: none was.
alter table attempts add column if not exists resolving text;
-- `{"base_sha", "head_sha", "files", "since"}`: with what its head was last seen to conflict, and since when; null: with nothing.
alter table pull_requests add column if not exists conflict jsonb;
